"""The vectorised alignment against the textbook's."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from moderation.asr.whisper.alignment import alignment, cheapest_path, smoothed

COSTS = arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 9)), elements=st.integers(-8, 8).map(float))


@given(COSTS)
def test_no_path_is_cheaper(costs: np.ndarray) -> None:
    path = cheapest_path(costs)
    assert path[0] == (0, 0)
    assert path[-1] == (costs.shape[0] - 1, costs.shape[1] - 1)
    steps = {(below - above, right - left) for (above, left), (below, right) in pairwise(path)}
    assert steps <= {(0, 1), (1, 0), (1, 1)}
    assert sum(costs[cell] for cell in path) == _least(costs)


@given(arrays(np.float32, (2, 3, 11), elements=st.floats(-5, 5, width=32)))
def test_smoothing_is_the_median_of_seven_neighbours(values: np.ndarray) -> None:
    padded = np.pad(values, ((0, 0), (0, 0), (3, 3)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 7, axis=-1)
    np.testing.assert_array_equal(smoothed(values), np.median(windows, axis=-1))


@pytest.mark.parametrize("positions", [1, 2, 3])
def test_what_is_shorter_than_the_neighbourhood_stays_as_it_is(positions: int) -> None:
    values = np.arange(2 * positions, dtype=np.float32).reshape(1, 2, positions)
    np.testing.assert_array_equal(smoothed(values), values)


def test_tokens_are_found_where_the_heads_looked() -> None:
    attention = np.full((2, 3, 60), 0.001, dtype=np.float32)
    for token, start in enumerate((0, 20, 40)):
        attention[:, token, start : start + 20] = 0.05
    path = alignment(attention)
    starts = [next(position for token, position in path if token == wanted) for wanted in range(3)]
    assert starts == [0, 20, 40]


def test_a_head_that_looks_nowhere_in_particular_does_no_harm() -> None:
    attention = np.full((1, 2, 30), 1 / 30, dtype=np.float32)
    assert alignment(attention)[-1] == (1, 29)


def test_without_audio_there_is_no_path() -> None:
    assert alignment(np.zeros((1, 2, 0), dtype=np.float32)) == []


def _least(costs: np.ndarray) -> float:
    total = np.full((costs.shape[0] + 1, costs.shape[1] + 1), np.inf)
    total[0, 0] = 0
    for row in range(costs.shape[0]):
        for column in range(costs.shape[1]):
            before = min(total[row, column], total[row, column + 1], total[row + 1, column])
            total[row + 1, column + 1] = costs[row, column] + before
    return float(total[-1, -1])
