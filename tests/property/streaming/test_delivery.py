"""Whatever happens in whatever order, a chunk ends published and acked, dead-lettered and acked, or redeliverable."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st
from support.streaming import (
    BROKEN,
    END,
    FLAGGED_END,
    LIMITS,
    POISON,
    SILENCE,
    SLUR,
    SPEECH,
    RecordingOutbox,
    Told,
    audio_chunk,
    make_parts,
    received,
)

from moderation.clock import SystemClock
from moderation.errors import BrokerUnavailable, DeadLetterCode, InvalidMessage
from moderation.events import AudioChunk, ResumeMark
from moderation.partials import PartialOutcome
from moderation.pipeline import UtteranceOutcome
from moderation.streaming.assembly import new_session
from moderation.streaming.marks import MarkRecord, ResumeMarks, StreamKey
from moderation.streaming.outputs import flag_id_of
from moderation.streaming.received import RawMessage, ReceivedChunk
from moderation.streaming.router import IntakeRouter, RouterLimits, RouterParts
from moderation.streaming.transport import Partition

T = TypeVar("T")
STREAMS = ("a", "b")
UNDECODABLE = b"undecodable"
TRIPS = b"trips the decoder"
SLOTS = 6


class InlineExecutor(Executor):
    """Runs what it is given at once, so that only the order of events decides."""

    def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001
            future.set_exception(error)
        return future


@dataclass(frozen=True)
class Sent:
    """A message of the log: a chunk of a stream, or bytes that are none."""

    stream: str
    payload: bytes
    is_end: bool = False


@dataclass
class Confirmed(RecordingOutbox):
    """Remembers the offsets of what the broker confirmed, and the marks."""

    published: set[int] = field(default_factory=set)
    dead: set[int] = field(default_factory=set)
    spans: list[tuple[str, int, int]] = field(default_factory=list)
    told_early: dict[str, list[int]] = field(default_factory=dict)
    """Provisional flags, with the offsets of what was heard."""
    settled: set[str] = field(default_factory=set)
    marks: list[MarkRecord] = field(default_factory=list)

    async def mark(self, partition: Partition, mark: ResumeMark) -> None:
        await self._confirm()
        self.marks.append(MarkRecord(partition=partition, stream=(mark.tenant_id, mark.stream_id), mark=mark))

    async def unmark(self, partition: Partition, stream: StreamKey) -> None:
        await self._confirm()
        self.marks.append(MarkRecord(partition=partition, stream=stream, mark=None))

    async def utterance(
        self,
        outcome: UtteranceOutcome,
        chunks: list[ReceivedChunk],
        *,
        waited_ms: float,
        provisional_flag_id: str | None,
    ) -> None:
        await self._confirm()
        self.published |= {item.message.offset for item in chunks}
        if outcome.judgement.verdict.flagged:
            self.settled.add(flag_id_of(outcome.utterance, chunks[0], policy_id="p"))
        if provisional_flag_id is not None:
            self.settled.add(provisional_flag_id)
        ends = chunks[0].chunk, chunks[-1].chunk
        self.spans.append((ends[0].stream_id, ends[0].sequence, ends[1].sequence))

    async def provisional_flag(
        self, outcome: PartialOutcome, chunks: list[ReceivedChunk], *, is_final: bool = False
    ) -> None:
        await self._confirm()
        flag_id = flag_id_of(outcome.opened, chunks[0], policy_id="p")
        if is_final:
            self.settled.add(flag_id)
        else:
            self.told_early[flag_id] = [item.message.offset for item in chunks]

    async def dead_letter(self, item: ReceivedChunk, code: DeadLetterCode, reason: str) -> None:
        await self._confirm()
        self.dead.add(item.message.offset)

    async def reject(self, message: RawMessage, invalid: InvalidMessage) -> None:
        await self._confirm()
        self.dead.add(message.offset)


class Uncounted:
    """Counts no marks."""

    def marks_kept(self, count: int) -> None: ...
    def mark_published(self) -> None: ...
    def mark_cleaned(self) -> None: ...
    def mark_evicted(self) -> None: ...


class Broker:
    """A partition with gaps between its offsets, one worker after another that reads it, and what they committed."""

    def __init__(self, log: list[Sent], gaps: list[int]) -> None:
        self.log: dict[int, tuple[Sent, AudioChunk | None]] = {}
        offset, sequences = -1, dict.fromkeys(STREAMS, 0)
        for sent, gap in zip(log, gaps, strict=True):
            offset += gap
            chunk = None
            if sent.payload not in {UNDECODABLE, TRIPS}:
                sequence = sequences[sent.stream]
                chunk = audio_chunk(sequence, sent.payload, stream_id=sent.stream, end_of_stream=sent.is_end)
                sequences[sent.stream] += 1
            self.log[offset] = (sent, chunk)
        self.offsets = list(self.log)
        self.committed = 0
        self.outbox = Confirmed()
        self.outbox.gate.set()

    def message(self, offset: int) -> RawMessage:
        return replace(received(audio_chunk(0), offset).message, value=self.log[offset][0].payload)

    def decode(self, message: RawMessage) -> AudioChunk:
        sent, chunk = self.log[message.offset]
        if sent.payload == TRIPS:
            raise OverflowError("trips")
        if chunk is None:
            raise InvalidMessage(DeadLetterCode.MALFORMED_AVRO, "not Avro")
        return chunk

    def needs_telling(self, offset: int) -> bool:
        """Whether a chunk is speech or poison: silence may be acked without a trace."""
        return self.log[offset][0].payload != SILENCE


class Worker:
    """The router and its sessions as the worker builds them, reading the partition from its commit."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.failures: list[BaseException] = []
        told, clock = Told(), SystemClock()
        self.marks = ResumeMarks(broker.outbox, clock=clock, observer=Uncounted(), max_streams=10, idle_s=60.0)
        self.marks.load(broker.outbox.marks)
        parts = make_parts(InlineExecutor(), broker.outbox, told)
        self.session_parts = replace(
            parts,
            limits=LIMITS,
            on_taken=lambda: self.router.chunk_taken(),  # noqa: PLW0108  there is no router yet
        )
        self.router = IntakeRouter(
            RouterParts(
                receive=lambda message: ReceivedChunk(chunk=broker.decode(message), message=message, received_s=0.0),
                new_session=lambda first: new_session(self.session_parts, self.marks, first),
                rejecter=broker.outbox,
                clock=clock,
                limits=RouterLimits(max_chunks_in_flight=SLOTS, max_open_streams=len(STREAMS), max_unacked_chunks=100),
                observer=told,
                on_failure=self.failures.append,
            )
        )
        self.generation = 0
        self.router.open_partitions(self.generation)
        self.buffer: deque[RawMessage] = deque()
        self.agent = asyncio.create_task(self._consume())
        self.read_from_commit()

    def read_from_commit(self) -> None:
        """Hand the agent what the commit says, behind what it is busy with."""
        unread = [offset for offset in self.broker.offsets if offset >= self.broker.committed]
        self.buffer = deque(replace(self.broker.message(offset), generation=self.generation) for offset in unread)
        if self.agent.done():
            self.agent = asyncio.create_task(self._consume())

    async def _consume(self) -> None:
        while self.buffer:
            await self.router.route(self.buffer.popleft())

    async def commit(self, offsets: dict[Partition, int]) -> None:
        self.broker.committed = max([self.broker.committed, *offsets.values()])

    async def rebalance(self, deadline_s: float) -> None:
        """All partitions are revoked and assigned again; Faust empties its buffer."""
        self.buffer.clear()
        await self.router.close_partitions(deadline_s=deadline_s, commit=self.commit)
        self.generation += 1
        self.router.open_partitions(self.generation)
        self.read_from_commit()

    async def rebalance_within_a_slow_close(self) -> None:
        """As when a commit hangs on the way: the close returns only when the partitions were assigned again."""
        is_committed = asyncio.Event()
        slow = asyncio.create_task(self.router.close_partitions(deadline_s=0.001, commit=lambda _: is_committed.wait()))
        await settled()
        await self.rebalance(deadline_s=0.001)
        await settled()
        is_committed.set()
        await slow

    async def stop(self, deadline_s: float) -> None:
        await self.router.close_partitions(deadline_s=deadline_s, commit=self.commit, for_good=True)
        self.agent.cancel()
        await asyncio.wait([self.agent])
        await settled()
        assert self.router.open_streams == 0
        assert self.router._slots._value == SLOTS

    def kill(self) -> None:
        self.agent.cancel()
        for task in [*self.router._tasks.values(), *self.router._rejections]:
            task.cancel()


async def settled() -> None:
    for _ in range(40):
        await asyncio.sleep(0)


PAYLOADS = (SPEECH, SLUR, END, FLAGGED_END, POISON, SILENCE, BROKEN, UNDECODABLE, TRIPS)

messages = st.builds(
    Sent,
    stream=st.sampled_from(STREAMS),
    payload=st.sampled_from(PAYLOADS),
    is_end=st.integers(0, 9).map(lambda n: n == 0),
)


async def hold(worker: Worker) -> None:
    worker.broker.outbox.gate.clear()


async def confirm(worker: Worker) -> None:
    worker.broker.outbox.gate.set()


async def commit(worker: Worker) -> None:
    await worker.commit(worker.router.committable())


async def rebalance(worker: Worker) -> None:
    worker.broker.outbox.gate.set()
    await worker.rebalance(deadline_s=5.0)


async def hasty_rebalance(worker: Worker) -> None:
    await worker.rebalance(deadline_s=0.001)


async def overlapping_closes(worker: Worker) -> None:
    await worker.rebalance_within_a_slow_close()


async def seek_back(worker: Worker) -> None:
    worker.read_from_commit()


async def kill(worker: Worker) -> Worker:
    worker.kill()
    return Worker(worker.broker)


async def stop(worker: Worker) -> Worker:
    await worker.stop(deadline_s=0.001)
    return Worker(worker.broker)


async def broker_fails(worker: Worker) -> Worker:
    outbox = worker.broker.outbox
    outbox.failure = BrokerUnavailable("down")
    outbox.gate.set()
    await settled()
    outbox.failure = None
    return await stop(worker) if worker.failures else worker


Happening = Callable[[Worker], Awaitable[Worker | None]]
HAPPENINGS: Sequence[Happening] = (
    *(hold, confirm, commit, rebalance, hasty_rebalance),
    *(overlapping_closes, seek_back, kill, stop, broker_fails),
)


def nothing_went_wrong(worker: Worker) -> None:
    """What the group will not read again was told, and nothing failed but a broker."""
    broker = worker.broker
    behind = {offset for offset in broker.offsets if offset < broker.committed and broker.needs_telling(offset)}
    assert behind <= broker.outbox.published | broker.outbox.dead
    spans = sorted(set(broker.outbox.spans))
    for one, other in pairwise(spans):
        # What is told twice is told the same, and no utterance is told in part.
        assert one[0] != other[0] or one[2] < other[1], (one, other)
    for flag_id, offsets in broker.outbox.told_early.items():
        # Nobody waits for a last word that will never come; but for what a predecessor told and nobody can recognise.
        is_behind_all = offsets[0] < broker.committed
        assert not is_behind_all or flag_id in broker.outbox.settled or broker.outbox.dead.issuperset(offsets)
    assert all(isinstance(failure, BrokerUnavailable) for failure in worker.failures)


async def live_through(broker: Broker, happenings: list[tuple[Happening, bool]]) -> None:
    worker = Worker(broker)
    for happen, in_peace in happenings:
        if in_peace:
            await settled()
        successor = await happen(worker)
        nothing_went_wrong(worker)
        worker = successor or worker
    broker.outbox.gate.set()
    async with asyncio.timeout(5):
        await settled()
        worker = await stop(worker)
        await worker.agent
    await settled()
    await worker.stop(deadline_s=5.0)
    nothing_went_wrong(worker)
    assert worker.failures == []
    # What is left begins with an utterance that was open at the end.
    left = [offset for offset in broker.offsets if offset >= broker.committed]
    assert not left or broker.log[left[0]][0].payload in {SPEECH, SLUR}


@given(
    log=st.lists(messages, min_size=1, max_size=30),
    gaps=st.lists(st.integers(1, 3), min_size=30, max_size=30),
    happenings=st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.booleans()), max_size=10),
)
@settings(max_examples=300, deadline=None)
def test_every_message_is_told_and_then_acked_in_order_or_is_read_again(
    log: list[Sent], gaps: list[int], happenings: list[tuple[Happening, bool]]
) -> None:
    asyncio.run(live_through(Broker(log, gaps[: len(log)]), happenings))
