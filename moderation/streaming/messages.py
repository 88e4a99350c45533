"""From Kafka's records to chunks of audio."""

import re
from datetime import UTC, datetime
from typing import Any

from moderation.clock import Clock
from moderation.contracts.audio_chunk import require_key
from moderation.contracts.codecs import Codecs
from moderation.contracts.replay import REPLAY_OF
from moderation.errors import DeadLetterCode, InvalidMessage
from moderation.streaming.received import RawMessage, ReceivedChunk
from moderation.streaming.tolerant_records import UNREADABLE

_OFFSETS = re.compile(rb"(\d{1,19}) (\d{1,19})")

LATEST_TIMESTAMP_S = 253_402_300_800
"""The beginning of the year 10000, which no datetime can hold."""


def raw_message(record: Any, generation: int) -> RawMessage:
    """A record as aiokafka read it, fetched in this generation of the group, as a plain value."""
    return RawMessage(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=_instant(record.timestamp),
        key=record.key,
        value=record.value,
        headers=record.headers,
        generation=generation,
    )


def received_chunk(message: RawMessage, codecs: Codecs, clock: Clock) -> ReceivedChunk:
    """The chunk in a message that has just been taken in.

    Raises:
        InvalidMessage: it holds none.
    """
    _refuse_unreadable(message)
    chunk = codecs.audio_chunks.decode(message.value)
    # Order within a stream, and so everything that is concluded about it, rests on the key.
    require_key(chunk, message.key)
    return ReceivedChunk(
        chunk=chunk,
        message=message,
        received_s=clock.monotonic_s(),
        is_replay=any(name == REPLAY_OF for name, _ in message.headers),
    )


def _refuse_unreadable(message: RawMessage) -> None:
    for name, offsets in message.headers:
        if name != UNREADABLE:
            continue
        # A producer may forge the header; nothing of it but numbers is told on.
        found = _OFFSETS.fullmatch(offsets or b"")
        which = f"the records at offsets {int(found[1])} to {int(found[2])}" if found else "a batch of records"
        raise InvalidMessage(
            DeadLetterCode.UNREADABLE_BATCH,
            f"{which} cannot be unpacked within MODERATION_KAFKA__MAX_UNPACKED_BATCH_BYTES, or are broken; they stay "
            "in their topic for as long as it keeps them",
        )


def _instant(timestamp_ms: int | None) -> datetime | None:
    """The instant of a record, None where it has none or one that no clock could give: producers set it freely."""
    if timestamp_ms is None or not 0 < timestamp_ms < LATEST_TIMESTAMP_S * 1000:
        return None
    return datetime.fromtimestamp(timestamp_ms / 1000, tz=UTC)
