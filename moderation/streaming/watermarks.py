"""How far each stream was finished, so that what is delivered again is not processed again."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

StreamKey = tuple[str, str]
"""Tenant and stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """The last finished chunk of a stream: its sequence number and the instant it was captured."""

    sequence: int
    captured_at: datetime


class ResumeWatermarks:
    """The watermark of each stream this worker served, bounded; the least recently moved is forgotten first.

    In memory: it spares the work of a rebalance, in which every partition is revoked and read again from its commit. A
    forgotten or lost watermark costs a second publication, never a loss. Its ids are the same where the replay begins
    in silence or where an utterance began; where a neighbour's open utterance held the commit inside a finished one,
    the rest of that is heard as an utterance of its own.
    """

    def __init__(self, *, max_streams: int) -> None:
        self._max_streams = max_streams
        self._marks: OrderedDict[StreamKey, Watermark] = OrderedDict()

    def __len__(self) -> int:
        return len(self._marks)

    def of(self, stream: StreamKey) -> Watermark | None:
        """Where the stream was finished, None when unknown."""
        return self._marks.get(stream)

    def advance(self, stream: StreamKey, watermark: Watermark) -> None:
        """Everything of the stream up to and including this chunk is finished."""
        self._marks[stream] = watermark
        self._marks.move_to_end(stream)
        while len(self._marks) > self._max_streams:
            self._marks.popitem(last=False)
