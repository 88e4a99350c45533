from datetime import UTC, datetime

import pytest
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from moderation.streaming.messages import raw_message


def message(timestamp_ms: int | None) -> ConsumerMessage:
    """A message as Faust makes it of a record with this timestamp."""
    timestamp_s = None if timestamp_ms is None else timestamp_ms / 1000
    headers = (("name", b"value"),)
    return ConsumerMessage("t", 3, 7, timestamp_s, 0, headers, b"k", b"v", None, 1, 1, TP("t", 3))


def test_a_message_keeps_what_it_came_with() -> None:
    raw = raw_message(message(1_767_225_600_123))
    assert (raw.topic, raw.partition, raw.offset, raw.key, raw.value) == ("t", 3, 7, b"k", b"v")
    assert raw.timestamp == datetime(2026, 1, 1, 0, 0, 0, 123_000, tzinfo=UTC)
    assert raw.headers == (("name", b"value"),)


@pytest.mark.parametrize(
    "timestamp_ms", [1_767_225_600_123_000, 2**63 - 1, -(2**63), -(10**15), 253_402_300_800_000, None]
)
def test_a_timestamp_that_no_clock_could_give_does_not_stop_the_message(timestamp_ms: int | None) -> None:
    """A producer sets it: microseconds instead of milliseconds, for instance."""
    assert raw_message(message(timestamp_ms)).timestamp is None


def test_a_message_without_a_timestamp_has_none() -> None:
    assert raw_message(message(-1)).timestamp is None
