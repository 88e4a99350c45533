"""Quality of a ranking, in plain numpy."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def auc(scores: Sequence[float], truths: Sequence[bool]) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counting one half.

    Computed from mean ranks (Mann and Whitney). NaN without both kinds.
    """
    positive = np.asarray(truths, dtype=bool)
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(np.asarray(scores, dtype=float), return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts - 1) / 2
    rank_sum = float(mean_rank[inverse][positive].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def average_precision(scores: Sequence[float], truths: Sequence[bool]) -> float:
    """Mean precision over the positives, in descending order of score; equal scores are taken together."""
    values, positive = np.asarray(scores, dtype=float), np.asarray(truths, dtype=bool)
    if not positive.any():
        return float("nan")
    order = np.argsort(-values, kind="stable")
    hits = np.cumsum(positive[order])
    last_of_tie = np.append(np.diff(values[order]) != 0, True)
    found, seen = hits[last_of_tie], np.flatnonzero(last_of_tie) + 1
    return float(np.sum(np.diff(found, prepend=0) / positive.sum() * found / seen))


def threshold_at(negatives: Sequence[float], false_positive_rate: float) -> float:
    """The least threshold at which at most this share of the negatives scores at or above it."""
    ordered = np.sort(np.asarray(negatives, dtype=float))[::-1]
    allowed = int(false_positive_rate * len(ordered))
    return float(np.nextafter(ordered[allowed], 2.0)) if allowed < len(ordered) else 0.0


def share_at_or_above(scores: Sequence[float], threshold: float) -> float:
    """The share of scores that a threshold catches; NaN of none."""
    values: Any = np.asarray(scores, dtype=float)
    return float((values >= threshold).mean()) if len(values) else float("nan")


def recall_at(scores: Sequence[float], truths: Sequence[bool], false_positive_rate: float) -> float:
    """The share of positives found when this share of the negatives is let through."""
    pairs = list(zip(scores, truths, strict=True))
    limit = threshold_at([score for score, truth in pairs if not truth], false_positive_rate)
    return share_at_or_above([score for score, truth in pairs if truth], limit)
