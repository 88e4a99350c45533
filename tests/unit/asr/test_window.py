import numpy as np
import pytest

from moderation.asr.whisper.window import STRIDE, heard_positions, places_of_silence, window_s

RATE_HZ = 16_000


@pytest.mark.parametrize(
    ("audio_s", "expected_s"), [(0, 10), (3.2, 10), (8.0, 10), (8.01, 12), (10.0, 12), (15.4, 18), (27.9, 30), (45, 30)]
)
def test_the_window_is_the_audio_and_two_seconds_in_steps_between_ten_and_thirty(
    audio_s: float, expected_s: int
) -> None:
    assert window_s(int(audio_s * RATE_HZ)) == expected_s


@pytest.mark.parametrize(
    ("audio_s", "positions"), [(0, 50), (0.7, 50), (0.71, 55), (2.5, 140), (28.0, 1415), (29.7, 1500), (45, 1500)]
)
def test_the_audio_is_heard_and_0_3_s_behind_it_in_tenths(audio_s: float, positions: int) -> None:
    assert heard_positions(int(audio_s * RATE_HZ)) == positions


@pytest.mark.parametrize("heard", [50, 140, 1415, 1475, 1490, 1499, 1500])
def test_all_silence_up_to_a_full_window_is_stood_for(heard: int) -> None:
    places, counts = places_of_silence(heard)
    assert heard + counts.sum() == 1500
    assert counts.max(initial=0) <= STRIDE
    # Each place lies in the middle of the positions that it stands for.
    firsts = heard + np.concatenate(([0], np.cumsum(counts)))[:-1]
    assert np.array_equal(places, firsts + (counts - 1) // 2)
