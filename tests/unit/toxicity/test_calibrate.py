import numpy as np
import pytest

from moderation.toxicity.training.calibrate import fitted, kept_apart
from moderation.toxicity.training.rows import benign


def test_the_scale_and_shift_of_known_probabilities_are_found() -> None:
    logits = np.random.default_rng(1).normal(size=5_000) * 3
    truths = 1 / (1 + np.exp(-(0.5 * logits - 1)))
    scale, shift = fitted(logits, truths, np.ones(5_000))
    assert scale == pytest.approx(0.5, abs=1e-3)
    assert shift == pytest.approx(-1, abs=1e-3)


def test_rows_without_weight_do_not_count() -> None:
    logits = np.array([2.0, -2.0, 5.0])
    truths = np.array([0.8, 0.2, 0.0])
    assert fitted(logits, truths, np.array([1.0, 1.0, 0.0])) == pytest.approx(
        fitted(logits[:2], truths[:2], np.ones(2)), abs=1e-6
    )


def test_the_same_rows_are_kept_apart_whatever_the_order() -> None:
    rows = [benign("x", f"text {number}") for number in range(2_000)]
    train, apart = kept_apart(rows, 0.1)
    again = kept_apart(rows[::-1], 0.1)[1]
    assert {row.text for row in apart} == {row.text for row in again}
    assert len(train) + len(apart) == 2_000
    assert 150 < len(apart) < 250
    assert kept_apart(rows, 0.0) == (rows, [])
