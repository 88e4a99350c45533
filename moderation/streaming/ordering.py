"""What the sequence number of a chunk means for its stream, and the order in which chunks are served.

Kafka keeps the order of a partition, but a producer that retries may swap chunks, and a redelivery begins anywhere. A
chunk that comes early waits until the ones before it came, or until more than `window` chunks wait: then the missing
ones are given up. Everything here follows from the chunks alone, so that a replay concludes the same.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar
from zlib import crc32

from moderation.events import AudioChunk, ResumeMark

COPIES_RECOGNISED = 32
"""Chunks served latest of which a copy is told from another chunk with the same sequence number."""

T = TypeVar("T")


class Arrival(StrEnum):
    """How a chunk relates to those before it."""

    NEXT = "next"
    """The chunk that was due (or the first that this worker sees of the stream)."""
    REORDERED = "reordered"
    """It came before its turn and waited for it."""
    GAP = "gap"
    """Chunks before it are missing; it is processed."""
    AFTER_END = "after_end"
    """The stream had ended; it goes on all the same, so that nobody talks on unheard behind an end."""
    RESTART = "restart"
    """The stream id was used again: an earlier sequence number, captured later. A new stream begins."""
    DUPLICATE = "duplicate"
    """Delivered again, or a copy of what was served lately: skipped."""
    LATE = "late"
    """Its place has passed, and it is no copy of what was there: a dead letter, so that nobody talks unheard by
    numbering chunks backwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered(Generic[T]):
    """A chunk whose turn it is, how it came, and how many chunks are missing before it."""

    item: T
    arrival: Arrival
    missing: int = 0


class StreamOrder(Generic[T]):
    """Puts the chunks of one stream in order, behind those finished earlier (`resume`).

    Without a mark, a stream whose first chunk is within `window` of 0 is taken to begin at 0; any other is being
    redelivered from somewhere in its middle, and waits for `window` chunks, since the commit may have fallen between
    two that were swapped.
    """

    def __init__(self, *, window: int, resume: ResumeMark | None = None) -> None:
        self._window = window
        self._waiting: dict[int, tuple[AudioChunk, T]] = {}
        self._next: int | None = None
        self._starts = True
        self._latest: AudioChunk | None = None
        self._served_lately: OrderedDict[int, int] = OrderedDict()
        self._resume = resume
        self._has_ended = resume is not None and resume.is_ended

    @property
    def is_waiting(self) -> bool:
        """Whether chunks wait for others to come."""
        return bool(self._waiting)

    def take(self, chunk: AudioChunk, item: T, *, offset: int) -> list[Ordered[T]]:
        """A chunk arrived at this offset of its partition: whatever may be served now, in order."""
        if self._resume is not None and offset < self._resume.origin_offset:
            # Of an earlier stream of the same id, which was finished before this one began.
            return [Ordered(item=item, arrival=Arrival.DUPLICATE)]
        if self._next is None:
            self._next = self._first_expected(chunk.sequence)
        if self._is_reuse(chunk):
            return [*self.give_up_waiting(), self._restart(chunk, item)]
        if chunk.sequence < self._next:
            return [Ordered(item=item, arrival=self._arrival_behind(chunk, offset))]
        if chunk.sequence in self._waiting:
            is_copy = self._waiting[chunk.sequence][0].payload == chunk.payload
            return [Ordered(item=item, arrival=Arrival.DUPLICATE if is_copy else Arrival.LATE)]
        self._waiting[chunk.sequence] = (chunk, item)
        served = list(self._serve_contiguous(Arrival.NEXT))
        while len(self._waiting) > self._window:
            served += self._pass_gap()
        return served

    def give_up_waiting(self) -> list[Ordered[T]]:
        """Nothing more is expected to come in between: serve what waits."""
        served: list[Ordered[T]] = []
        while self._waiting:
            served += self._pass_gap()
        return served

    def end(self) -> None:
        """The stream said that it ends with the chunk that was served last."""
        self._has_ended = True

    def _first_expected(self, sequence: int) -> int:
        if self._resume is None:
            return 0 if sequence <= self._window else sequence - self._window
        due = self._resume.point.sequence
        return due if sequence <= due + self._window else sequence - self._window

    def _is_reuse(self, chunk: AudioChunk) -> bool:
        # A redelivered chunk carries the instant it had before; a reused stream id carries a later one.
        if self._latest is not None:
            return chunk.sequence <= self._latest.sequence and chunk.captured_at > self._latest.captured_at
        mark = self._resume
        return mark is not None and chunk.sequence <= mark.last_sequence and chunk.captured_at > mark.last_captured_at

    def _restart(self, chunk: AudioChunk, item: T) -> Ordered[T]:
        self._has_ended = False
        self._resume = None
        self._served_lately.clear()
        self._remember(chunk)
        return Ordered(item=item, arrival=Arrival.RESTART)

    def _arrival_behind(self, chunk: AudioChunk, offset: int) -> Arrival:
        is_redelivered = self._resume is not None and offset <= self._resume.last_offset
        is_copy = self._served_lately.get(chunk.sequence) == crc32(chunk.payload)
        return Arrival.DUPLICATE if is_redelivered or is_copy else Arrival.LATE

    def _serve_contiguous(self, arrival: Arrival) -> Iterator[Ordered[T]]:
        while self._next in self._waiting:
            chunk, item = self._waiting.pop(self._next)
            yield self._served(chunk, item, arrival)
            arrival = Arrival.REORDERED

    def _pass_gap(self) -> list[Ordered[T]]:
        first = min(self._waiting)
        assert self._next is not None  # noqa: S101  something waits, so something came
        missing = first - self._next
        # Where a redelivery starts it is not known what came before: nothing is known to be missing.
        is_known = missing > 0 and not (self._starts and (self._next > 0 or self._resume is not None))
        chunk, item = self._waiting.pop(first)
        arrival = Arrival.GAP if is_known else Arrival.NEXT
        return [
            self._served(chunk, item, arrival, missing if is_known else 0),
            *self._serve_contiguous(Arrival.REORDERED),
        ]

    def _served(self, chunk: AudioChunk, item: T, arrival: Arrival, missing: int = 0) -> Ordered[T]:
        if self._has_ended and (self._resume is None or chunk.sequence > self._resume.last_sequence):
            arrival, self._has_ended = Arrival.AFTER_END, False
        self._remember(chunk)
        return Ordered(item=item, arrival=arrival, missing=missing)

    def _remember(self, chunk: AudioChunk) -> None:
        self._latest, self._next, self._starts = chunk, chunk.sequence + 1, False
        self._served_lately[chunk.sequence] = crc32(chunk.payload)
        if len(self._served_lately) > COPIES_RECOGNISED:
            self._served_lately.popitem(last=False)
