from moderation.audio.hysteresis import SpeechTracker
from moderation.audio.vad import FRAME_SAMPLES


def tracker(*probabilities: float) -> SpeechTracker:
    heard = SpeechTracker(speech_threshold=0.5, silence_threshold=0.3, min_speech=3 * FRAME_SAMPLES)
    for number, probability in enumerate(probabilities):
        heard.observe(number * FRAME_SAMPLES, probability)
    return heard


def test_speech_counts_once_it_lasted_long_enough() -> None:
    assert not tracker(0.1, 0.6, 0.6).is_confirmed
    heard = tracker(0.1, 0.6, 0.6, 0.6)
    assert heard.is_confirmed
    assert heard.onset == FRAME_SAMPLES


def test_a_frame_between_the_thresholds_does_not_interrupt_speech() -> None:
    assert tracker(0.6, 0.4, 0.4).is_confirmed


def test_a_frame_between_the_thresholds_does_not_start_speech() -> None:
    assert tracker(0.4, 0.4, 0.4).onset is None


def test_a_silent_frame_undoes_speech_that_was_too_short() -> None:
    heard = tracker(0.9, 0.9, 0.1, 0.9)
    assert not heard.is_confirmed
    assert heard.onset == 3 * FRAME_SAMPLES


def test_silence_starts_below_the_lower_threshold_and_ends_at_the_upper() -> None:
    assert tracker(0.9, 0.9, 0.9, 0.4).silent_from is None
    assert tracker(0.9, 0.9, 0.9, 0.2, 0.4).silent_from == 3 * FRAME_SAMPLES
    assert tracker(0.9, 0.9, 0.9, 0.2, 0.5).silent_from is None
