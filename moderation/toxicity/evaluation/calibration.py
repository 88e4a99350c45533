"""Whether a score of 0.7 is right seven times of ten."""

from collections.abc import Sequence
from typing import Any

import numpy as np

BINS = 15


def reliability(scores: Sequence[float], truths: Sequence[bool], bins: int = BINS) -> list[dict[str, Any]]:
    """For each bin of equal width that holds any: how many scores, their mean, and the share that is true."""
    values, flags = np.asarray(scores, dtype=float), np.asarray(truths, dtype=bool)
    at = np.minimum((values * bins).astype(int), bins - 1)
    return [
        {
            "texts": int((at == one).sum()),
            "mean_score": round(float(values[at == one].mean()), 4),
            "share_true": round(float(flags[at == one].mean()), 4),
        }
        for one in range(bins)
        if (at == one).any()
    ]


def expected_calibration_error(scores: Sequence[float], truths: Sequence[bool], bins: int = BINS) -> float:
    """The mean distance of score and share of true ones over bins of equal width, weighted by their texts.

    Naeini, Cooper and Hauskrecht 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning". NaN of none.
    """
    if not len(scores):
        return float("nan")
    values, flags = np.asarray(scores, dtype=float), np.asarray(truths, dtype=bool)
    at = np.minimum((values * bins).astype(int), bins - 1)
    gaps = [abs(values[at == one].mean() - flags[at == one].mean()) * (at == one).sum() for one in set(at.tolist())]
    return float(sum(gaps) / len(values))
