import numpy as np
import pytest

from moderation.asr.whisper.window import padded, window_s

RATE_HZ = 16_000


@pytest.mark.parametrize(
    ("audio_s", "expected_s"), [(0, 10), (3.2, 10), (8.0, 10), (8.01, 12), (10.0, 12), (15.4, 18), (27.9, 30), (45, 30)]
)
def test_the_window_is_the_audio_and_two_seconds_in_steps_between_ten_and_thirty(
    audio_s: float, expected_s: int
) -> None:
    assert window_s(int(audio_s * RATE_HZ)) == expected_s


def test_padding_is_zeros_behind_the_audio() -> None:
    window = padded(np.ones(100, dtype=np.float32), 10)
    assert window.shape == (160_000,)
    assert window[:100].all()
    assert not window[100:].any()


def test_audio_longer_than_the_window_is_cut_to_it() -> None:
    assert len(padded(np.ones(11 * RATE_HZ, dtype=np.float32), 10)) == 160_000
