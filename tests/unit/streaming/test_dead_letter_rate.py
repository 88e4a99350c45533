"""When dead letters stop a worker."""

import pytest

from moderation.errors import DeadLetterCode
from moderation.settings import Settings
from moderation.streaming.dead_letter_rate import WINDOW_S, DeadLetterRate


def a_rate(*, max_per_minute: int = 10, max_share: float = 0.5) -> DeadLetterRate:
    return DeadLetterRate(max_per_minute=max_per_minute, max_share=max_share)


def feed(
    rate: DeadLetterRate, *, letters: int, good: int = 0, at_s: float = 100.0, code: str = "unknown_framing"
) -> None:
    for _ in range(letters + good):
        rate.message(at_s)
    for _ in range(letters):
        rate.letter(at_s, code)


def test_as_many_as_allowed_is_not_exceeded_and_one_more_is() -> None:
    rate = a_rate()
    feed(rate, letters=10)
    assert not rate.exceeded(100.0)
    feed(rate, letters=1)
    assert rate.exceeded(100.0)


def test_a_hostile_client_among_many_does_not_stop_the_worker() -> None:
    rate = a_rate()
    feed(rate, letters=1000, good=1001)
    assert not rate.exceeded(100.0)


def test_the_share_itself_is_enough() -> None:
    rate = a_rate()
    feed(rate, letters=1000, good=1000)
    assert rate.exceeded(100.0)


def test_what_is_older_than_a_minute_no_longer_counts() -> None:
    rate = a_rate()
    feed(rate, letters=11, at_s=100.0)
    assert rate.exceeded(100.0 + WINDOW_S - 1)
    assert not rate.exceeded(100.0 + WINDOW_S)
    assert rate.by_code(100.0 + WINDOW_S) == {}


def test_the_window_slides_over_a_minute_rather_than_starting_anew() -> None:
    rate = a_rate()
    feed(rate, letters=6, at_s=59.0)
    feed(rate, letters=6, at_s=61.0)
    assert rate.exceeded(61.0)


def test_letters_of_messages_that_came_before_the_minute_count_as_messages_too() -> None:
    rate = a_rate(max_share=1.0)
    feed(rate, letters=0, good=20, at_s=10.0)
    for _ in range(11):
        rate.letter(100.0, "processing_failed")
    assert rate.exceeded(100.0)


def test_a_share_of_nothing_makes_the_limit_absolute() -> None:
    rate = a_rate(max_share=0.0)
    feed(rate, letters=11, good=100_000 // 100)
    assert rate.exceeded(100.0)


def test_memory_stays_with_the_buckets_of_a_minute() -> None:
    rate = a_rate()
    for second in range(10_000):
        rate.message(float(second))
        rate.letter(float(second), "late_chunk")
    assert len(rate._buckets) <= WINDOW_S


def test_a_clock_that_steps_back_counts_into_the_latest_second() -> None:
    rate = a_rate()
    feed(rate, letters=6, at_s=100.0)
    feed(rate, letters=6, at_s=90.0)
    assert rate.exceeded(100.0)


def test_the_operator_is_told_which_codes_dominate_and_what_to_do() -> None:
    rate = a_rate()
    feed(rate, letters=30, code="key_mismatch")
    feed(rate, letters=5, good=5, code="late_chunk")
    text = rate.message_for_operator(100.0, topic="voice-audio")
    assert "35 of the last minute's 40 messages of voice-audio" in text
    assert "key_mismatch 30, late_chunk 5" in text
    assert "key each chunk by its stream_id" in text
    assert "MODERATION_STREAMING__MAX_DEAD_LETTERS_PER_MINUTE" in text


@pytest.mark.parametrize("code", [code.value for code in DeadLetterCode])
def test_every_code_has_advice(code: str) -> None:
    rate = a_rate()
    feed(rate, letters=11, code=code)
    assert f"({code} 11)" in rate.message_for_operator(100.0, topic="t")


def test_the_settings_have_limits_that_a_worker_can_live_with() -> None:
    streaming = Settings().streaming
    assert (streaming.max_dead_letters_per_minute, streaming.max_dead_letter_share) == (1000, 0.5)
