import numpy as np
import pytest

from moderation.audio.overlapping import overlapping


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_windows_are_those_of_numpy(dtype: type) -> None:
    signal = np.arange(100, dtype=dtype)[7:]
    expected = np.lib.stride_tricks.sliding_window_view(signal, 20)[::9]
    found = overlapping(signal, window=20, hop=9, count=len(expected))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)
    assert overlapping(signal, window=20, hop=9, count=0).shape == (0, 20)


def test_windows_beyond_the_end_are_refused() -> None:
    with pytest.raises((ValueError, TypeError)):
        overlapping(np.zeros(40, np.float32), window=20, hop=10, count=4)


def test_a_signal_with_gaps_is_refused() -> None:
    with pytest.raises(ValueError, match="contiguous"):
        overlapping(np.zeros(40, np.float32)[::2], window=4, hop=2, count=2)


def test_what_may_not_be_written_to_can_be_read() -> None:
    signal = np.zeros(10, np.float32)
    signal.flags.writeable = False
    assert overlapping(signal, window=4, hop=2, count=3).shape == (3, 4)
