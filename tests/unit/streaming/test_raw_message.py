from datetime import UTC, datetime

import pytest
from aiokafka import ConsumerRecord

from moderation.streaming.messages import raw_message


def record(timestamp_ms: int | None) -> ConsumerRecord:
    """A record with this timestamp, as aiokafka makes it."""
    return ConsumerRecord("t", 3, 7, timestamp_ms, 0, b"k", b"v", None, 1, 1, (("name", b"value"),))


def test_a_message_keeps_what_it_came_with() -> None:
    raw = raw_message(record(1_767_225_600_123), 5)
    assert (raw.topic, raw.partition, raw.offset, raw.key, raw.value) == ("t", 3, 7, b"k", b"v")
    assert raw.timestamp == datetime(2026, 1, 1, 0, 0, 0, 123_000, tzinfo=UTC)
    assert (raw.headers, raw.generation) == ((("name", b"value"),), 5)


@pytest.mark.parametrize(
    "timestamp_ms", [1_767_225_600_123_000, 2**63 - 1, -(2**63), -(10**15), 253_402_300_800_000, None]
)
def test_a_timestamp_that_no_clock_could_give_does_not_stop_the_message(timestamp_ms: int | None) -> None:
    """A producer sets it: microseconds instead of milliseconds, for instance."""
    assert raw_message(record(timestamp_ms), 0).timestamp is None


def test_a_message_without_a_timestamp_has_none() -> None:
    assert raw_message(record(-1), 0).timestamp is None
