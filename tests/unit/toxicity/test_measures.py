import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.toxicity.measures import auc, average_precision, recall_at, share_at_or_above, threshold_at


def test_auc_of_a_perfect_a_reversed_and_a_constant_ranking() -> None:
    truths = [False, False, True, True]
    assert auc([0.1, 0.2, 0.3, 0.4], truths) == 1.0
    assert auc([0.4, 0.3, 0.2, 0.1], truths) == 0.0
    assert auc([0.5, 0.5, 0.5, 0.5], truths) == 0.5


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_auc_is_the_chance_that_a_positive_scores_above_a_negative(pairs: list[tuple[int, bool]]) -> None:
    positives = [score for score, truth in pairs if truth]
    negatives = [score for score, truth in pairs if not truth]
    found = auc([score for score, _ in pairs], [truth for _, truth in pairs])
    if not positives or not negatives:
        assert math.isnan(found)
        return
    wins = sum((p > n) + (p == n) / 2 for p in positives for n in negatives)
    assert found == pytest.approx(wins / (len(positives) * len(negatives)))


def test_average_precision_by_hand() -> None:
    assert average_precision([0.9, 0.8, 0.7], [True, False, True]) == pytest.approx((1 + 2 / 3) / 2)


def test_average_precision_of_ties_is_the_share_of_positives() -> None:
    assert average_precision([0.5] * 4, [True, False, False, False]) == pytest.approx(0.25)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.sampled_from([0.01, 0.1, 0.5]))
def test_a_threshold_lets_no_more_than_its_share_of_negatives_through(negatives: list[float], rate: float) -> None:
    assert share_at_or_above(negatives, threshold_at(negatives, rate)) <= rate


def test_recall_counts_positives_above_the_threshold_of_the_negatives() -> None:
    assert recall_at([0.1, 0.2, 0.3, 0.15, 0.9], [False, False, False, True, True], 0.0) == 0.5
