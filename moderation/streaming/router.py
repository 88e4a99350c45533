"""From the messages of a partition to the sessions of its streams, under one bound and one generation at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import structlog

from moderation.clock import Clock
from moderation.errors import DeadLetterCode, InvalidMessage, InvariantViolation
from moderation.events import AudioChunk
from moderation.streaming.acker import AckHandle, OrderedAcker
from moderation.streaming.received import RawMessage, ReceivedChunk
from moderation.streaming.session import StreamSession

log = structlog.get_logger(__name__)

Partition = tuple[str, int]
"""Topic and partition."""

SessionKey = tuple[Partition, str, str]
"""Partition, tenant and stream."""


class MessageRejecter(Protocol):
    """Publishes what could not even be decoded to dead letters."""

    async def reject(self, message: RawMessage, invalid: InvalidMessage) -> None:
        """Return once the broker has confirmed the dead letter; raises BrokerUnavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterParts:
    """What the router needs of the worker."""

    decode: Callable[[RawMessage], AudioChunk]
    """Raises InvalidMessage."""
    new_session: Callable[[ReceivedChunk], StreamSession]
    rejecter: MessageRejecter
    clock: Clock
    max_chunks_in_flight: int
    max_open_streams: int
    on_failure: Callable[[BaseException], None]
    """Told once when a session failed in a way that must stop the worker."""


class IntakeRouter:
    """Owns the ackers of the assigned partitions and the sessions of their streams.

    `route` blocks while too many chunks wait or too many streams are open: the agent then takes nothing, Faust's buffer
    fills and consumption pauses. Nothing is ever dropped.
    """

    def __init__(self, parts: RouterParts) -> None:
        self._parts = parts
        self._ackers: dict[Partition, OrderedAcker] = {}
        self._sessions: dict[SessionKey, StreamSession] = {}
        self._tasks: dict[StreamSession, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(parts.max_chunks_in_flight)
        self._stream_closed = asyncio.Event()
        self._generation = 0
        self._is_open = True
        self._is_over = False

    @property
    def open_streams(self) -> int:
        """Sessions under way."""
        return len(self._tasks)

    @property
    def progress(self) -> dict[Partition, int]:
        """Offset of the last message acked, per partition; -1 before the first."""
        return {partition: acker.acked_through for partition, acker in self._ackers.items()}

    @property
    def waiting_for_ack(self) -> int:
        """Messages received and not yet acked."""
        return sum(map(len, self._ackers.values()))

    def chunk_taken(self) -> None:
        """A queued chunk left its session's queue."""
        self._slots.release()

    async def route(self, message: RawMessage, ack: Callable[[], object]) -> None:
        """Hand a message to the session of its stream, or to dead letters; returns when it is queued. Never raises."""
        generation = self._generation
        await self._slots.acquire()
        keeps_slot = False
        try:
            if self._is_current(generation):
                keeps_slot = await self._take(message, ack, generation)
        finally:
            if not keeps_slot:
                self._slots.release()

    async def _take(self, message: RawMessage, ack: Callable[[], object], generation: int) -> bool:
        """Whether the message was queued."""
        acker = self._acker(message)
        if acker.has_taken(message.offset):
            return False
        try:
            handle = acker.track(message.offset, ack)
        except InvariantViolation as error:
            acker.fence()
            self._parts.on_failure(error)
            return False
        try:
            return await self._offer(message, handle, generation)
        except Exception as error:  # noqa: BLE001  Faust would go on behind a message whose agent failed
            self._parts.on_failure(error)
            return False

    async def _offer(self, message: RawMessage, handle: AckHandle, generation: int) -> bool:
        try:
            received = self._received(message)
        except InvalidMessage as invalid:
            await self._parts.rejecter.reject(message, invalid)
            handle.done()
            return False
        if not await self._has_room(received, generation):
            return False
        self._session(received).offer(received, handle)
        return True

    def _received(self, message: RawMessage) -> ReceivedChunk:
        try:
            chunk = self._parts.decode(message)
        except InvalidMessage:
            raise
        except Exception as error:  # noqa: BLE001  a message that trips the decoder must not stop its partition
            sentence = f"decoding failed with {type(error).__name__}"
            raise InvalidMessage(DeadLetterCode.PROCESSING_FAILED, sentence) from None
        return ReceivedChunk(chunk=chunk, message=message, received_s=self._parts.clock.monotonic_s())

    async def _has_room(self, received: ReceivedChunk, generation: int) -> bool:
        """Wait until the stream may be opened; False when the partitions were taken away meanwhile."""
        while self._is_current(generation):
            if self._open_session(received) or len(self._tasks) < self._parts.max_open_streams:
                return True
            self._stream_closed.clear()
            await self._stream_closed.wait()
        return False

    def _is_current(self, generation: int) -> bool:
        return self._is_open and generation == self._generation

    def _acker(self, message: RawMessage) -> OrderedAcker:
        return self._ackers.setdefault((message.topic, message.partition), OrderedAcker())

    def _open_session(self, received: ReceivedChunk) -> StreamSession | None:
        session = self._sessions.get(_key(received))
        return None if session is None or session.is_over else session

    def _session(self, received: ReceivedChunk) -> StreamSession:
        session = self._open_session(received)
        if session is None:
            key, session = _key(received), self._parts.new_session(received)
            self._sessions[key] = session
            task = asyncio.create_task(session.run(), name="stream-session")
            self._tasks[session] = task
            task.add_done_callback(lambda task: self._on_session_end(key, session, task))
        return session

    def _on_session_end(self, key: SessionKey, session: StreamSession, task: asyncio.Task[None]) -> None:
        if self._sessions.get(key) is session:
            del self._sessions[key]
        del self._tasks[session]
        self._stream_closed.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._parts.on_failure(error)

    async def close_partitions(
        self, *, deadline_s: float, commit: Callable[[], Awaitable[object]], for_good: bool = False
    ) -> None:
        """The partitions are about to be taken away: finish what is under way, commit, and forget them.

        Utterances under way are published until the deadline; the rest stays unacked and is delivered again, to whoever
        owns the partition then. `commit` is awaited once every ack has been given. After a close `for_good` partitions
        that are assigned all the same are not opened.

        Calls may overlap, and partitions may be assigned again before a call returns: what was taken in since its
        beginning is not touched.
        """
        self._is_open = False
        self._is_over = self._is_over or for_good
        self._generation += 1
        self._stream_closed.set()
        ackers, self._ackers = self._ackers, {}
        self._sessions.clear()
        for session in self._tasks:
            session.stop()
        await self._settle(list(self._tasks.values()), deadline_s)
        await commit()
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
            log.warning("drain_deadline_passed", streams=len(late))
            await asyncio.wait(late, timeout=1.0)

    def open_partitions(self) -> None:
        """Partitions were assigned: take messages again, unless the worker ends."""
        self._is_open = not self._is_over


def _key(received: ReceivedChunk) -> SessionKey:
    return ((received.message.topic, received.message.partition), *received.stream)
