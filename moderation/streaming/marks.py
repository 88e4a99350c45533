"""The resume marks: how far each stream was finished, where a killed worker cannot take it along.

They are kept in a compacted topic, each in the partition with the number of its stream's audio partition, so that
whoever is assigned the audio reads its marks. A mark is confirmed before the chunks it stands for are acked: what is
delivered again after a crash is skipped up to its mark, and heard on from there as if nothing had happened. Where a
mark is lost or forgotten all the same, utterances may be told twice, none is lost.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from moderation.clock import Clock
from moderation.events import ResumeMark
from moderation.streaming.transport import Partition

StreamKey = tuple[str, str]
"""Tenant and stream."""


class MarkLog(Protocol):
    """Where marks are published. Each call returns when the broker has confirmed; raises BrokerUnavailable."""

    async def mark(self, partition: Partition, mark: ResumeMark) -> None:
        """Keep the mark of a stream of this audio partition."""
        ...

    async def unmark(self, partition: Partition, stream: StreamKey) -> None:
        """Forget the mark of a stream."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRecord:
    """A record of the topic: a mark, or None where one was forgotten."""

    partition: Partition
    """The audio partition."""
    stream: StreamKey
    mark: ResumeMark | None


class MarkObserver(Protocol):
    """Told what happens to marks, to be counted."""

    def marks_kept(self, count: int) -> None:
        """So many marks are held now."""
        ...

    def mark_published(self) -> None:
        """A mark was moved."""
        ...

    def mark_cleaned(self) -> None:
        """A mark was removed: its stream ended or went idle."""
        ...

    def mark_evicted(self) -> None:
        """A mark was removed because there were too many."""
        ...


class ResumeMarks:
    """The marks of the partitions that this worker is assigned, bounded; the least recently moved goes first."""

    def __init__(self, log: MarkLog, *, clock: Clock, observer: MarkObserver, max_streams: int, idle_s: float) -> None:
        self._log = log
        self._clock = clock
        self._observer = observer
        self._max_streams = max_streams
        self._idle_s = idle_s
        self._marks: OrderedDict[tuple[Partition, StreamKey], ResumeMark] = OrderedDict()

    def __len__(self) -> int:
        return len(self._marks)

    def of(self, partition: Partition, stream: StreamKey) -> ResumeMark | None:
        """Where the stream was finished, None when unknown."""
        return self._marks.get((partition, stream))

    def keep_only(self, partitions: Iterable[Partition]) -> None:
        """Forget the marks of other partitions: they are the business of whoever was assigned them."""
        kept = set(partitions)
        for partition, stream in list(self._marks):
            if partition not in kept:
                del self._marks[partition, stream]
        self._observer.marks_kept(len(self))

    def load(self, records: Iterable[MarkRecord]) -> None:
        """Apply what the topic says, oldest first.

        A mark that lies behind one already known comes from a worker that was suspended and did not know that it had
        been replaced.
        """
        for record in records:
            key = (record.partition, record.stream)
            known = self._marks.get(key)
            if record.mark is None:
                self._marks.pop(key, None)
            elif known is None or record.mark.last_offset >= known.last_offset:
                self._remember(key, record.mark)
        self._observer.marks_kept(len(self))

    async def put(self, partition: Partition, mark: ResumeMark) -> None:
        """Move the mark of a stream; returns when the broker has confirmed it.

        Raises:
            BrokerUnavailable: not confirmed; what the mark stands for must not be acked.
        """
        await self._log.mark(partition, mark)
        self._remember((partition, (mark.tenant_id, mark.stream_id)), mark)
        self._observer.mark_published()
        while len(self._marks) > self._max_streams:
            (oldest_partition, stream), _ = self._marks.popitem(last=False)
            await self._log.unmark(oldest_partition, stream)
            self._observer.mark_evicted()
        self._observer.marks_kept(len(self))

    async def sweep(
        self, committed: Mapping[Partition, int], *, is_open: Callable[[Partition, StreamKey], bool]
    ) -> None:
        """Remove the marks of streams that ended or have been idle, once the commit has passed them.

        `committed` is the offset that a successor would read first, per assigned partition; other partitions are left
        alone. A stream with a session (`is_open`) keeps its mark.

        Raises:
            BrokerUnavailable: a removal was not confirmed; it is tried again the next time.
        """
        now = self._clock.now()
        for (partition, stream), mark in list(self._marks.items()):
            has_passed = committed.get(partition, -1) > mark.last_offset
            is_stale = mark.is_ended or (now - mark.marked_at).total_seconds() >= self._idle_s
            if not (has_passed and is_stale) or is_open(partition, stream):
                continue
            if self._marks.get((partition, stream)) is mark:
                del self._marks[partition, stream]
                await self._log.unmark(partition, stream)
                self._observer.mark_cleaned()
        self._observer.marks_kept(len(self))

    def _remember(self, key: tuple[Partition, StreamKey], mark: ResumeMark) -> None:
        self._marks[key] = mark
        self._marks.move_to_end(key)
