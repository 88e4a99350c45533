"""Resume marks: kept where they survive, bounded, and removed when nobody needs them."""

import pytest
from support.streaming import START, a_mark

from moderation.clock import ManualClock
from moderation.errors import BrokerUnavailable
from moderation.events import ResumeMark
from moderation.streaming.marks import MarkRecord, ResumeMarks, StreamKey
from moderation.streaming.transport import Partition

HERE, ELSEWHERE = ("voice-audio", 3), ("voice-audio", 4)
STREAM = ("t", "m")


class Log:
    """What was written, and a broker that may be down."""

    def __init__(self) -> None:
        self.written: list[tuple[Partition, StreamKey, ResumeMark | None]] = []
        self.is_down = False

    async def mark(self, partition: Partition, mark: ResumeMark) -> None:
        self._write(partition, (mark.tenant_id, mark.stream_id), mark)

    async def unmark(self, partition: Partition, stream: StreamKey) -> None:
        self._write(partition, stream, None)

    def _write(self, partition: Partition, stream: StreamKey, mark: ResumeMark | None) -> None:
        if self.is_down:
            raise BrokerUnavailable("down")
        self.written.append((partition, stream, mark))


class Counts:
    """What was told to be counted."""

    def __init__(self) -> None:
        self.kept, self.published, self.cleaned, self.evicted = 0, 0, 0, 0

    def marks_kept(self, count: int) -> None:
        self.kept = count

    def mark_published(self) -> None:
        self.published += 1

    def mark_cleaned(self) -> None:
        self.cleaned += 1

    def mark_evicted(self) -> None:
        self.evicted += 1


class Bench:
    def __init__(self, *, max_streams: int = 10) -> None:
        self.log, self.counts, self.clock = Log(), Counts(), ManualClock(START)
        self.marks = ResumeMarks(
            self.log, clock=self.clock, observer=self.counts, max_streams=max_streams, idle_s=900.0
        )

    async def sweep(self, committed: dict[Partition, int], *, is_open: bool = False) -> None:
        await self.marks.sweep(committed, is_open=lambda partition, stream: is_open)


def mark(last_sequence: int, **changes: object) -> ResumeMark:
    return a_mark(next_sequence=last_sequence, last_sequence=last_sequence, last_offset=100 + last_sequence, **changes)


async def test_a_mark_is_remembered_once_the_broker_confirmed_it() -> None:
    bench = Bench()
    await bench.marks.put(HERE, mark(7))
    assert bench.marks.of(HERE, STREAM) == mark(7)
    assert bench.marks.of(ELSEWHERE, STREAM) is None
    bench.log.is_down = True
    with pytest.raises(BrokerUnavailable):
        await bench.marks.put(HERE, mark(9))
    assert bench.marks.of(HERE, STREAM) == mark(7)
    assert (bench.counts.kept, bench.counts.published) == (1, 1)


def test_a_successor_reads_what_was_marked_and_what_was_removed() -> None:
    bench = Bench()
    other = ("t", "other")
    bench.marks.load(
        [
            MarkRecord(partition=HERE, stream=STREAM, mark=mark(3)),
            MarkRecord(partition=HERE, stream=other, mark=mark(3, stream_id="other")),
            MarkRecord(partition=HERE, stream=STREAM, mark=mark(7)),
            MarkRecord(partition=HERE, stream=other, mark=None),
        ]
    )
    assert bench.marks.of(HERE, STREAM) == mark(7)
    assert bench.marks.of(HERE, other) is None


def test_a_mark_of_a_worker_that_had_been_replaced_moves_nothing_back() -> None:
    bench = Bench()
    bench.marks.load(MarkRecord(partition=HERE, stream=STREAM, mark=m) for m in (mark(7), mark(3)))
    assert bench.marks.of(HERE, STREAM) == mark(7)


async def test_the_mark_of_a_stream_that_ended_goes_when_the_commit_has_passed_it() -> None:
    bench = Bench()
    await bench.marks.put(HERE, mark(7, is_ended=True))
    await bench.sweep({HERE: 107})
    assert bench.marks.of(HERE, STREAM) is not None
    await bench.sweep({HERE: 108})
    assert bench.marks.of(HERE, STREAM) is None
    assert bench.log.written[-1] == (HERE, STREAM, None)
    assert bench.counts.cleaned == 1


async def test_the_mark_of_an_idle_stream_goes_after_its_time() -> None:
    bench = Bench()
    await bench.marks.put(HERE, mark(7))
    bench.clock.advance(899)
    await bench.sweep({HERE: 200})
    assert bench.marks.of(HERE, STREAM) is not None
    bench.clock.advance(2)
    await bench.sweep({HERE: 200}, is_open=True)
    assert bench.marks.of(HERE, STREAM) is not None
    await bench.sweep({HERE: 200})
    assert bench.marks.of(HERE, STREAM) is None


async def test_marks_of_partitions_that_others_serve_are_left_alone() -> None:
    bench = Bench()
    await bench.marks.put(HERE, mark(7, is_ended=True))
    await bench.sweep({ELSEWHERE: 10_000})
    assert bench.marks.of(HERE, STREAM) is not None
    bench.marks.keep_only({ELSEWHERE})
    assert len(bench.marks) == 0
    assert [written for _, _, written in bench.log.written].count(None) == 0


async def test_too_many_marks_push_out_the_one_moved_longest_ago() -> None:
    bench = Bench(max_streams=2)
    for stream_id in ("a", "b", "a", "c"):
        await bench.marks.put(HERE, mark(7, stream_id=stream_id))
    assert bench.marks.of(HERE, ("t", "b")) is None
    assert bench.marks.of(HERE, ("t", "a")) is not None
    assert bench.log.written[-1] == (HERE, ("t", "b"), None)
    assert (bench.counts.kept, bench.counts.evicted) == (2, 1)
