from datetime import UTC, datetime

from loadtest.faults.dead_letters import check_dead_letters
from moderation.events import DeadLetter

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def letter(partition: int, offset: int) -> DeadLetter:
    return DeadLetter(
        code="empty_value",
        reason="the message has no value",
        topic="voice-audio",
        partition=partition,
        offset=offset,
        timestamp=NOW,
        key=None,
        value=None,
        headers=(),
        application_version="0",
        failed_at=NOW,
    )


def test_dead_letters_about_exactly_the_poison_are_clean_however_often_each_came() -> None:
    found = check_dead_letters({(0, 3), (1, 4)}, [letter(0, 3), letter(1, 4), letter(1, 4)])
    assert (found.expected, found.seen, found.redelivered, found.is_clean) == (2, 2, 1, True)


def test_poison_without_a_dead_letter_is_missing() -> None:
    found = check_dead_letters({(0, 3), (1, 4)}, [letter(0, 3)])
    assert (found.missing, found.is_clean) == (((1, 4),), False)


def test_a_dead_letter_about_a_sound_message_is_unexpected() -> None:
    found = check_dead_letters({(0, 3)}, [letter(0, 3), letter(0, 4)])
    assert (found.unexpected, found.is_clean) == ({(0, 4): "empty_value"}, False)
