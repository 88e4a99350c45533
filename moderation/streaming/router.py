"""From the messages of a partition to the sessions of its streams, under bounds and one generation at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import structlog

from moderation.clock import Clock
from moderation.errors import DeadLetterCode, InvalidMessage, InvariantViolation
from moderation.streaming.acker import AckHandle, OrderedAcker
from moderation.streaming.marks import StreamKey
from moderation.streaming.received import RawMessage, ReceivedChunk
from moderation.streaming.session import StreamSession
from moderation.streaming.transport import Partition
from moderation.telemetry.metrics import PausingBound

log = structlog.get_logger(__name__)

SessionKey = tuple[Partition, StreamKey, bool]
"""Partition, stream, and whether its chunks are replayed dead letters: those are served apart from the live stream."""


class MessageRejecter(Protocol):
    """Publishes what could not even be decoded to dead letters."""

    async def reject(self, message: RawMessage, invalid: InvalidMessage) -> None:
        """Return once the broker has confirmed the dead letter; raises BrokerUnavailable."""
        ...


class RouterObserver(Protocol):
    """Told what the router does, to be counted."""

    def intake_paused(self, reason: PausingBound, seconds: float) -> None:
        """Intake waited for a bound."""
        ...

    def stream_evicted(self) -> None:
        """A resting session was given up to make room for another stream."""
        ...

    def redelivered(self) -> None:
        """A message came again although it was in hand or acked."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterLimits:
    """How much a worker takes in before it pauses."""

    max_chunks_in_flight: int
    max_open_streams: int
    max_unacked_chunks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterParts:
    """What the router needs of the worker."""

    receive: Callable[[RawMessage], ReceivedChunk]
    """Decodes; raises InvalidMessage."""
    new_session: Callable[[ReceivedChunk], StreamSession]
    rejecter: MessageRejecter
    clock: Clock
    limits: RouterLimits
    observer: RouterObserver
    on_failure: Callable[[BaseException], None]
    """Told once when a session failed in a way that must stop the worker."""


class IntakeRouter:
    """Owns the ackers of the assigned partitions and the sessions of their streams.

    `route` blocks while too many chunks wait, too many streams are open or too many chunks are unacked: the agent then
    takes nothing, Faust's buffer fills and consumption pauses. Nothing is ever dropped.
    """

    def __init__(self, parts: RouterParts) -> None:
        self._parts = parts
        self._ackers: dict[Partition, OrderedAcker] = {}
        self._sessions: dict[SessionKey, StreamSession] = {}
        self._tasks: dict[StreamSession, asyncio.Task[None]] = {}
        self._rejections: set[asyncio.Task[None]] = set()
        self._routed: dict[Partition, int] = {}
        self._slots = asyncio.Semaphore(parts.limits.max_chunks_in_flight)
        self._queued = 0
        self._something_ended = asyncio.Event()
        # What was begun before the latest close must not go on after it.
        self._closings = 0
        self._opened = asyncio.Event()
        self._generation = 0
        self._is_over = False
        self._pause: tuple[PausingBound, float] | None = None

    @property
    def open_streams(self) -> int:
        """Sessions under way."""
        return len(self._tasks)

    @property
    def open_utterances(self) -> int:
        """Sessions that hold chunks for an utterance."""
        return sum(session.has_open_utterance for session in self._tasks)

    @property
    def hears_speech(self) -> bool:
        """Whether somebody speaks in any stream, as far as it was heard."""
        return any(session.hears_speech for session in self._tasks)

    @property
    def queued_chunks(self) -> int:
        """Chunks taken in and not yet looked at, dead letters under way included."""
        return self._queued

    @property
    def waiting_for_ack(self) -> int:
        """Messages received and not yet acked."""
        return sum(map(len, self._ackers.values()))

    @property
    def oldest_waiting_s(self) -> float | None:
        """Monotonic time at which the message was taken in that has waited longest; None when none waits."""
        waiting = [acker.oldest.tracked_s for acker in self._ackers.values() if acker.oldest]
        return min(waiting, default=None)

    @property
    def paused_by(self) -> PausingBound | None:
        """The bound that intake waits for now."""
        return self._pause[0] if self._pause else None

    @property
    def acked(self) -> dict[Partition, int]:
        """Offset of the last message acked, per partition; -1 before the first."""
        return {partition: acker.acked_through for partition, acker in self._ackers.items()}

    @property
    def routed(self) -> dict[Partition, int]:
        """Offset of the last message taken in, per partition."""
        return dict(self._routed)

    def committable(self) -> dict[Partition, int]:
        """The offset to commit, that of the next message to be read, per partition in which anything was acked."""
        return {partition: acked + 1 for partition, acked in self.acked.items() if acked >= 0}

    def is_open(self, partition: Partition, stream: StreamKey) -> bool:
        """Whether a session serves the stream."""
        session = self._sessions.get((partition, stream, False))
        return session is not None and not session.is_over

    def chunk_taken(self) -> None:
        """A queued chunk left its session's queue."""
        self._queued -= 1
        self._slots.release()

    async def route(self, message: RawMessage) -> None:
        """Hand a message to the session of its stream, or to dead letters; returns when it is queued. Never raises."""
        # Faust may deliver before the worker knows where the streams of new partitions were finished.
        while not self._opened.is_set():
            await self._opened.wait()
        closings = self._closings
        if self._is_over or message.generation != self._generation:
            return
        await self._take_slot()
        keeps_slot = False
        try:
            if await self._may_track(closings):
                keeps_slot = await self._take(message, closings)
        finally:
            if not keeps_slot:
                self.chunk_taken()

    async def _take_slot(self) -> None:
        if self._slots.locked():
            self._begin_pause("chunks")
        await self._slots.acquire()
        self._queued += 1
        self._end_pause()

    async def _may_track(self, closings: int) -> bool:
        """Wait while too much is unacked; what holds the commit back is closed. False when the partitions are gone."""
        while self._is_current(closings) and self.waiting_for_ack >= self._parts.limits.max_unacked_chunks:
            self._begin_pause("unacked")
            fullest = max(self._ackers.values(), key=len)
            if fullest.oldest is not None and fullest.oldest.holder is not None:
                fullest.oldest.holder.close_early()
            await self._hear_of_an_end()
        self._end_pause()
        return self._is_current(closings)

    async def _take(self, message: RawMessage, closings: int) -> bool:
        """Whether the message keeps its slot: it was queued, or is on its way to dead letters."""
        partition = (message.topic, message.partition)
        acker = self._acker(partition)
        if acker.has_taken(message.offset):
            self._parts.observer.redelivered()
            return False
        try:
            handle = acker.track(message.offset, self._parts.clock.monotonic_s())
        except InvariantViolation as error:
            acker.fence()
            self._parts.on_failure(error)
            return False
        try:
            keeps_slot = await self._offer(message, handle, closings)
        except Exception as error:  # noqa: BLE001  Faust would go on behind a message whose agent failed
            self._parts.on_failure(error)
            return False
        if self._is_current(closings):
            self._routed[partition] = message.offset
        return keeps_slot

    async def _offer(self, message: RawMessage, handle: AckHandle, closings: int) -> bool:
        try:
            received = self._received(message)
        except InvalidMessage as invalid:
            self._reject(message, invalid, handle)
            return True
        if not await self._has_room(received, closings):
            return False
        session = self._session(received)
        handle.holder = session
        session.offer(received, handle)
        return True

    def _received(self, message: RawMessage) -> ReceivedChunk:
        try:
            return self._parts.receive(message)
        except InvalidMessage:
            raise
        except Exception as error:  # noqa: BLE001  a message that trips the decoder must not stop its partition
            sentence = f"decoding failed with {type(error).__name__}"
            raise InvalidMessage(DeadLetterCode.PROCESSING_FAILED, sentence) from None

    def _reject(self, message: RawMessage, invalid: InvalidMessage, handle: AckHandle) -> None:
        """Publish a dead letter while intake goes on; it keeps its slot until it is confirmed."""

        async def reject() -> None:
            await self._parts.rejecter.reject(message, invalid)
            handle.done()

        def ended(task: asyncio.Task[None]) -> None:
            self._rejections.discard(task)
            self.chunk_taken()
            self._report(task)

        task = asyncio.create_task(reject(), name="dead-letter")
        self._rejections.add(task)
        task.add_done_callback(ended)

    async def _has_room(self, received: ReceivedChunk, closings: int) -> bool:
        """Wait until the stream may be opened; False when the partitions were taken away meanwhile."""
        while self._is_current(closings):
            if self._open_session(received) or len(self._tasks) < self._parts.limits.max_open_streams:
                self._end_pause()
                return True
            if not self._evict():
                self._begin_pause("streams")
            await self._hear_of_an_end()
        self._end_pause()
        return False

    def _evict(self) -> bool:
        """Give up the session that has rested longest; its mark remembers what the stream needs."""
        for key, session in self._sessions.items():
            if session.is_resting:
                del self._sessions[key]
                session.retire()
                self._parts.observer.stream_evicted()
                return True
        return False

    async def _hear_of_an_end(self) -> None:
        self._something_ended.clear()
        await self._something_ended.wait()

    def _is_current(self, closings: int) -> bool:
        return not self._is_over and closings == self._closings

    def _acker(self, partition: Partition) -> OrderedAcker:
        acker = self._ackers.get(partition)
        if acker is None:
            acker = self._ackers[partition] = OrderedAcker(on_progress=self._something_ended.set)
        return acker

    def _open_session(self, received: ReceivedChunk) -> StreamSession | None:
        session = self._sessions.get(_key(received))
        return None if session is None or session.is_over else session

    def _session(self, received: ReceivedChunk) -> StreamSession:
        """The stream's session, from now on the one heard of last."""
        key, session = _key(received), self._open_session(received)
        if session is None:
            session = self._parts.new_session(received)
            task = asyncio.create_task(session.run(), name="stream-session")
            self._tasks[session] = task
            task.add_done_callback(lambda task: self._on_session_end(key, session, task))
        self._sessions.pop(key, None)
        self._sessions[key] = session
        return session

    def _on_session_end(self, key: SessionKey, session: StreamSession, task: asyncio.Task[None]) -> None:
        if self._sessions.get(key) is session:
            del self._sessions[key]
        del self._tasks[session]
        self._something_ended.set()
        self._report(task)

    def _report(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._parts.on_failure(error)

    def _begin_pause(self, reason: PausingBound) -> None:
        if self._pause is None:
            self._pause = (reason, self._parts.clock.monotonic_s())

    def _end_pause(self) -> None:
        if self._pause is not None:
            reason, since_s = self._pause
            self._pause = None
            self._parts.observer.intake_paused(reason, self._parts.clock.monotonic_s() - since_s)

    async def close_partitions(
        self, *, deadline_s: float, commit: Callable[[dict[Partition, int]], Awaitable[object]], for_good: bool = False
    ) -> None:
        """The partitions are about to be taken away: finish what is under way, commit, and forget them.

        Utterances under way are published until the deadline; the rest stays unacked and is delivered again, to whoever
        owns the partition then. `commit` is awaited, with the offsets, once every ack has been given. After a close
        `for_good` partitions that are assigned all the same are not opened.

        Calls may overlap, and partitions may be assigned again before a call returns: what was taken in since its
        beginning is not touched.
        """
        self._closings += 1
        self._opened.clear()
        if for_good:
            self._is_over = True
            self._opened.set()
        self._something_ended.set()
        ackers, self._ackers = self._ackers, {}
        self._sessions.clear()
        self._routed.clear()
        for session in self._tasks:
            session.stop()
        await self._settle([*self._tasks.values(), *self._rejections], deadline_s)
        await commit({p: acker.acked_through + 1 for p, acker in ackers.items() if acker.acked_through >= 0})
        for acker in ackers.values():
            acker.fence()

    async def _settle(self, tasks: Iterable[asyncio.Task[None]], deadline_s: float) -> None:
        tasks = set(tasks)
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=deadline_s)
        for task in late:
            task.cancel()
        if late:
            log.warning("drain_deadline_passed", tasks=len(late))
            await asyncio.wait(late, timeout=1.0)

    def open_partitions(self, generation: int) -> None:
        """Partitions were assigned: take the messages of this generation of the group, unless the worker ends.

        Messages of another are left: they were fetched before, and come again.
        """
        self._generation = generation
        self._opened.set()


def _key(received: ReceivedChunk) -> SessionKey:
    message = received.message
    return (message.topic, message.partition), received.stream, received.is_replay
