import pytest

from moderation.asr.whisper.window import short_window_s, window_s

RATE_HZ = 16_000


@pytest.mark.parametrize(
    ("audio_s", "expected_s"), [(0, 10), (3.2, 10), (8.0, 10), (8.01, 12), (10.0, 12), (15.4, 18), (27.9, 30), (45, 30)]
)
def test_the_window_is_the_audio_and_two_seconds_in_steps_between_ten_and_thirty(
    audio_s: float, expected_s: int
) -> None:
    assert window_s(int(audio_s * RATE_HZ)) == expected_s


@pytest.mark.parametrize(
    ("audio_s", "expected_s"), [(0, 6), (5.5, 6), (5.6, 6.5), (8.0, 8.5), (8.2, 9), (28.0, 28.5), (29.5, 30), (45, 30)]
)
def test_the_short_window_is_the_audio_and_half_a_second_in_half_seconds(audio_s: float, expected_s: float) -> None:
    assert short_window_s(int(audio_s * RATE_HZ)) == expected_s
