"""When tokens were said, from where the decoder looked while it said them.

Source: openai/whisper's `timing.py`. The attention of the heads that know is normalised over the tokens, smoothed over
time and averaged; the path that sees most of it is the alignment.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

_MEDIAN_WIDTH = 7
_MEDIAN_MARGIN = _MEDIAN_WIDTH // 2
_MEDIAN_OF_SEVEN = (
    (0, 5), (0, 3), (1, 6), (2, 4), (0, 1), (3, 5), (2, 6), (2, 3), (3, 6), (4, 5), (1, 4), (1, 3), (3, 4)
)  # fmt: skip
"""Whom to compare and swap, so that the median ends in the middle."""


def alignment(attention: Array) -> list[tuple[int, int]]:
    """The path of (token, position) pairs through `attention` (heads, tokens, positions), from first to last."""
    if attention.shape[-1] == 0:
        return []
    spread = attention.std(axis=1, keepdims=True)
    normalised = (attention - attention.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1)
    return cheapest_path(-smoothed(normalised).mean(axis=0))


def smoothed(values: Array) -> Array:
    """The median of each seven neighbours along the last axis, mirrored at the ends."""
    if values.shape[-1] <= _MEDIAN_MARGIN:
        return values
    padded = np.pad(values, ((0, 0), (0, 0), (_MEDIAN_MARGIN, _MEDIAN_MARGIN)), mode="reflect")
    size = values.shape[-1]
    lanes = [padded[..., start : start + size] for start in range(_MEDIAN_WIDTH)]
    for low, high in _MEDIAN_OF_SEVEN:
        lanes[low], lanes[high] = np.minimum(lanes[low], lanes[high]), np.maximum(lanes[low], lanes[high])
    return np.asarray(lanes[_MEDIAN_MARGIN])


def cheapest_path(costs: Array) -> list[tuple[int, int]]:
    """The cheapest way from the first to the last cell of (rows, columns), a step down, to the right or both at a time.

    A row at a time: the way into a cell comes from the row above at some column before, and then goes to the right;
    what going to the right costs is a difference of sums.
    """
    rows, columns = costs.shape
    summed = np.cumsum(costs, axis=1, dtype=np.float64)
    total = np.empty((rows, columns))
    total[0] = summed[0]
    for row in range(1, rows):
        above = total[row - 1]
        entered = np.minimum(above, np.concatenate([[np.inf], above[:-1]]))
        before = np.concatenate([[0.0], summed[row, :-1]])
        total[row] = summed[row] + np.minimum.accumulate(entered - before)
    return _walked_back(total)


def _walked_back(total: npt.NDArray[np.float64]) -> list[tuple[int, int]]:
    row, column = total.shape[0] - 1, total.shape[1] - 1
    path = [(row, column)]
    while row > 0 or column > 0:
        diagonal = total[row - 1, column - 1] if row > 0 and column > 0 else np.inf
        down = total[row - 1, column] if row > 0 else np.inf
        right = total[row, column - 1] if column > 0 else np.inf
        if diagonal <= down and diagonal <= right:
            row, column = row - 1, column - 1
        elif down <= right:
            row -= 1
        else:
            column -= 1
        path.append((row, column))
    return path[::-1]
