"""What the sequence number of a chunk means for its stream: next, repeated, or with audio missing before it."""

from dataclasses import dataclass
from enum import StrEnum

from moderation.events import AudioChunk
from moderation.streaming.watermarks import Watermark


class Arrival(StrEnum):
    """How a chunk relates to those before it."""

    NEXT = "next"
    """The chunk that was due (or the first that this worker sees of the stream)."""
    GAP = "gap"
    """Chunks before it are missing; it is processed."""
    DUPLICATE = "duplicate"
    """Already processed, or older than what was processed: skipped."""
    RESTART = "restart"
    """The stream id was used again: an earlier sequence number, captured later. A new stream begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalOutcome:
    """The kind of arrival, and how many chunks are missing before it."""

    arrival: Arrival
    missing: int = 0


class SequenceTracker:
    """Judges the chunks of one stream in the order they arrive, after those finished earlier (`resume_after`)."""

    def __init__(self, resume_after: Watermark | None = None) -> None:
        self._last = resume_after

    def observe(self, chunk: AudioChunk) -> ArrivalOutcome:
        """Judge a chunk and, unless it is a duplicate, remember it as the latest."""
        outcome = self._judge(chunk)
        if outcome.arrival is not Arrival.DUPLICATE:
            self._last = Watermark(sequence=chunk.sequence, captured_at=chunk.captured_at)
        return outcome

    def _judge(self, chunk: AudioChunk) -> ArrivalOutcome:
        if self._last is None:
            return ArrivalOutcome(arrival=Arrival.NEXT)
        if chunk.sequence <= self._last.sequence:
            # A redelivered chunk carries the instant it had before; a reused stream id carries a later one.
            is_reuse = chunk.captured_at > self._last.captured_at
            return ArrivalOutcome(arrival=Arrival.RESTART if is_reuse else Arrival.DUPLICATE)
        missing = chunk.sequence - self._last.sequence - 1
        return ArrivalOutcome(arrival=Arrival.GAP if missing else Arrival.NEXT, missing=missing)
