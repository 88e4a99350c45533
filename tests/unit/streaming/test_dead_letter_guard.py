from support.streaming import START

from moderation.clock import ManualClock
from moderation.errors import DeadLetterCode, TooManyDeadLetters
from moderation.settings import StreamingSettings
from moderation.streaming.dead_letter_guard import DeadLetterGuard


def test_a_topic_of_which_nearly_everything_is_a_dead_letter_stops_the_worker() -> None:
    failures: list[BaseException] = []
    settings = StreamingSettings(max_dead_letters_per_minute=3, max_dead_letter_share=0.5, audio_topic="wrong-topic")
    guard = DeadLetterGuard(settings, clock=ManualClock(START), on_failure=failures.append)
    for _ in range(3):
        guard.message()
        guard.letter(DeadLetterCode.UNKNOWN_FRAMING)
    assert failures == []
    guard.message()
    guard.letter(DeadLetterCode.UNKNOWN_FRAMING)
    (failure,) = failures
    assert isinstance(failure, TooManyDeadLetters)
    assert "wrong-topic" in str(failure)
    assert "unknown_framing" in str(failure)


def test_one_hostile_client_among_many_does_not() -> None:
    failures: list[BaseException] = []
    settings = StreamingSettings(max_dead_letters_per_minute=3, max_dead_letter_share=0.5)
    guard = DeadLetterGuard(settings, clock=ManualClock(START), on_failure=failures.append)
    for _ in range(20):
        for _ in range(3):
            guard.message()
        guard.letter(DeadLetterCode.MALFORMED_AVRO)
    assert failures == []
