"""From Faust's messages to chunks of audio."""

from datetime import UTC, datetime
from typing import Any

from moderation.clock import Clock
from moderation.contracts.audio_chunk import require_key
from moderation.contracts.codecs import Codecs
from moderation.contracts.replay import REPLAY_OF
from moderation.streaming.received import RawMessage, ReceivedChunk

LATEST_TIMESTAMP_S = 253_402_300_800
"""The beginning of the year 10000, which no datetime can hold."""


def raw_message(message: Any) -> RawMessage:
    """A Faust message as a plain value."""
    headers = message.headers or {}
    pairs = headers.items() if isinstance(headers, dict) else headers
    return RawMessage(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=_instant(message.timestamp),
        key=message.key,
        value=message.value,
        headers=tuple((name, value) for name, value in pairs),
        generation=message.generation_id,
    )


def received_chunk(message: RawMessage, codecs: Codecs, clock: Clock) -> ReceivedChunk:
    """The chunk in a message that has just been taken in.

    Raises:
        InvalidMessage: it holds none.
    """
    chunk = codecs.audio_chunks.decode(message.value)
    # Order within a stream, and so everything that is concluded about it, rests on the key.
    require_key(chunk, message.key)
    return ReceivedChunk(
        chunk=chunk,
        message=message,
        received_s=clock.monotonic_s(),
        is_replay=any(name == REPLAY_OF for name, _ in message.headers),
    )


def _instant(timestamp_s: float | None) -> datetime | None:
    """The instant of a record, None where it has none or one that no clock could give: producers set it freely."""
    if timestamp_s is None or not 0 < timestamp_s < LATEST_TIMESTAMP_S:
        return None
    return datetime.fromtimestamp(timestamp_s, tz=UTC)
