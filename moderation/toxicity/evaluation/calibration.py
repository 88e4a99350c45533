"""Whether a score of 0.7 is right seven times of ten."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

BINS = 15


def reliability(scores: Sequence[float], truths: Sequence[bool], bins: int = BINS) -> list[dict[str, Any]]:
    """For each bin of equal width that holds any: how many scores, their mean, and the share that is true."""
    return [
        {"texts": texts, "mean_score": round(mean_score, 4), "share_true": round(share_true, 4)}
        for texts, mean_score, share_true in _binned(scores, truths, bins)
    ]


def expected_calibration_error(scores: Sequence[float], truths: Sequence[bool], bins: int = BINS) -> float:
    """The mean distance of score and share of true ones over bins of equal width, weighted by their texts.

    Naeini, Cooper and Hauskrecht 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning". NaN of none.
    """
    if not len(scores):
        return float("nan")
    gaps = [texts * abs(mean_score - share_true) for texts, mean_score, share_true in _binned(scores, truths, bins)]
    return sum(gaps) / len(scores)


def _binned(scores: Sequence[float], truths: Sequence[bool], bins: int) -> Iterator[tuple[int, float, float]]:
    """Texts, mean score and share of true ones of each bin that holds any, in ascending order."""
    values, flags = np.asarray(scores, dtype=float), np.asarray(truths, dtype=bool)
    at = np.minimum((values * bins).astype(int), bins - 1)
    for one in range(bins):
        inside = at == one
        if inside.any():
            yield int(inside.sum()), float(values[inside].mean()), float(flags[inside].mean())
