"""From the messages of a partition to the sessions of its streams, under one bound and one generation at a time."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import structlog

from moderation.clock import Clock
from moderation.errors import InvalidMessage
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
        """Hand a message to the session of its stream, or to dead letters; returns when it is queued."""
        if not await self._has_room(self._generation):
            return
        handle = self._acker(message).track(message.offset, ack)
        try:
            chunk = self._parts.decode(message)
        except InvalidMessage as invalid:
            self._slots.release()
            await self._reject(message, invalid, handle)
            return
        received = ReceivedChunk(chunk=chunk, message=message, received_s=self._parts.clock.monotonic_s())
        self._session(received).offer(received, handle)

    async def _has_room(self, generation: int) -> bool:
        """Wait for a slot; False when the partitions were taken away meanwhile: the message is delivered again."""
        await self._slots.acquire()
        while self._is_current(generation) and len(self._tasks) >= self._parts.max_open_streams:
            self._stream_closed.clear()
            await self._stream_closed.wait()
        if not self._is_current(generation):
            self._slots.release()
        return self._is_current(generation)

    def _is_current(self, generation: int) -> bool:
        return self._is_open and generation == self._generation

    def _acker(self, message: RawMessage) -> OrderedAcker:
        return self._ackers.setdefault((message.topic, message.partition), OrderedAcker())

    async def _reject(self, message: RawMessage, invalid: InvalidMessage, handle: AckHandle) -> None:
        try:
            await self._parts.rejecter.reject(message, invalid)
        except Exception as error:  # noqa: BLE001  nothing may escape the agent
            self._parts.on_failure(error)
        else:
            handle.done()

    def _session(self, received: ReceivedChunk) -> StreamSession:
        partition = (received.message.topic, received.message.partition)
        key = (partition, *received.stream)
        session = self._sessions.get(key)
        if session is None or session.is_over:
            session = self._parts.new_session(received)
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

    async def close_partitions(self, *, deadline_s: float, commit: Callable[[], object]) -> None:
        """The partitions are about to be taken away: finish what is under way, commit, and forget them.

        Utterances under way are published until the deadline; the rest stays unacked and is delivered again, to whoever
        owns the partition then. `commit` is awaited once every ack has been given.
        """
        self._is_open = False
        self._generation += 1
        self._stream_closed.set()
        for session in self._tasks:
            session.stop()
        await self._settle(list(self._tasks.values()), deadline_s)
        result = commit()
        if asyncio.iscoroutine(result):
            await result
        for acker in self._ackers.values():
            acker.fence()
        self._ackers.clear()
        self._sessions.clear()

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
        """Partitions were assigned: take messages again."""
        self._is_open = True
