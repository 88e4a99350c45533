import math

import numpy as np
import pytest

from moderation.toxicity.evaluation.calibration import expected_calibration_error, reliability


def test_scores_that_come_true_as_often_as_they_say_have_no_error() -> None:
    scores = [0.25] * 4 + [0.75] * 4
    truths = [True, False, False, False, True, True, True, False]
    assert expected_calibration_error(scores, truths) == pytest.approx(0.0)


def test_the_error_is_the_mean_distance_weighted_by_texts() -> None:
    scores = [0.9] * 3 + [0.1]
    truths = [False] * 3 + [False]
    assert expected_calibration_error(scores, truths) == pytest.approx((3 * 0.9 + 0.1) / 4)


def test_bins_tell_score_and_truth_and_leave_empty_ones_out() -> None:
    assert reliability([0.0, 1.0, 1.0], [False, True, False], bins=2) == [
        {"texts": 1, "mean_score": 0.0, "share_true": 0.0},
        {"texts": 2, "mean_score": 1.0, "share_true": 0.5},
    ]


def test_nothing_has_no_error() -> None:
    assert math.isnan(expected_calibration_error([], []))


def test_an_error_is_seen_whatever_the_order() -> None:
    rng = np.random.default_rng(1)
    scores = rng.random(1000)
    truths = rng.random(1000) < scores**3
    order = rng.permutation(1000)
    first, again = (expected_calibration_error(scores[at], truths[at]) for at in (slice(None), order))
    assert first == pytest.approx(again)
    assert first > 0.15
