"""A chunk as it was received: decoded, with its place in the log and the bytes it came in."""

from dataclasses import dataclass, field
from datetime import datetime

from moderation.events import AudioChunk, StreamIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class RawMessage:
    """A Kafka message, undecoded."""

    topic: str
    partition: int
    offset: int
    timestamp: datetime | None
    key: bytes | None
    value: bytes | None = field(repr=False)
    headers: tuple[tuple[str, bytes | None], ...]
    generation: int = 0
    """Of the consumer group when it was fetched: with each rebalance every partition is read anew from its commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedChunk:
    """A decoded chunk. `received_s` is the monotonic time of its arrival.

    `is_replay` tells a dead letter that was published again: it belongs to an earlier part of its stream.
    """

    chunk: AudioChunk = field(repr=False)
    message: RawMessage
    received_s: float
    is_replay: bool = False

    @property
    def stream(self) -> tuple[str, str]:
        """Tenant and stream."""
        return self.chunk.tenant_id, self.chunk.stream_id

    @property
    def identity(self) -> StreamIdentity:
        """Who speaks where."""
        return StreamIdentity(
            tenant_id=self.chunk.tenant_id,
            session_id=self.chunk.session_id,
            stream_id=self.chunk.stream_id,
            speaker_id=self.chunk.speaker_id,
        )
