"""One stream of one worker: chunks in, published utterances out, acks released as soon as nothing needs them."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

import structlog

from moderation.audio.intake import StreamIntake
from moderation.audio.utterance import IntakeResult
from moderation.clock import Clock
from moderation.errors import BrokerUnavailable, DeadLetterCode, InvalidMessage
from moderation.pipeline import PartialOutcome, StreamPipeline, UtteranceOutcome
from moderation.streaming.acker import AckHandle
from moderation.streaming.received import ReceivedChunk
from moderation.streaming.sequence import Arrival, ArrivalOutcome, SequenceTracker
from moderation.streaming.watermarks import Watermark

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Outbox(Protocol):
    """Where a session's results go. Each call returns when the broker has confirmed what was published.

    Each raises BrokerUnavailable when the broker confirms nothing until the deadline.
    """

    async def utterance(self, outcome: UtteranceOutcome, chunks: list[ReceivedChunk], *, waited_ms: float) -> None:
        """Publish the transcript and, if there is one, the flag of an utterance made of these chunks."""
        ...

    async def partial(self, outcome: PartialOutcome, chunks: list[ReceivedChunk]) -> None:
        """Publish a partial transcript of an utterance that has these chunks so far."""
        ...

    async def dead_letter(self, received: ReceivedChunk, code: DeadLetterCode, reason: str) -> None:
        """Publish a chunk that could not be processed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionParts:
    """What every session of a worker shares."""

    outbox: Outbox
    clock: Clock
    intake_pool: Executor
    recognition_pool: Executor
    idle_utterance_s: float
    idle_stream_s: float
    new_intake: Callable[[], StreamIntake]
    open_pipeline: Callable[[ReceivedChunk], StreamPipeline]
    on_arrival: Callable[[ArrivalOutcome], None]
    """Told how each chunk related to those before it."""
    on_taken: Callable[[], None]
    """Told when a queued chunk leaves the queue."""
    on_finished: Callable[[ReceivedChunk], None]
    """Told when a chunk, and with it every chunk of the stream before it, is finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    received: ReceivedChunk
    handle: AckHandle


class StreamSession:
    """Processes the chunks of one stream, one after another.

    A chunk is finished, and its ack released, when every utterance it belongs to has been published; silence is
    finished at once. When chunks stop coming the open utterance is closed after `idle_utterance_s`, so that one silent
    client never holds back the commits of its partition, and the session is over after `idle_stream_s` more.
    """

    def __init__(self, parts: SessionParts, first: ReceivedChunk, *, resume_after: Watermark | None) -> None:
        self._parts = parts
        self._tracker = SequenceTracker(resume_after)
        self._mailbox: deque[_Item] = deque()
        self._news = asyncio.Event()
        self._is_stopping = False
        self._held: deque[_Item] = deque()
        self.is_over = False
        """Whether `run` has returned or is about to: offer nothing more."""
        self._begin(first)

    def _begin(self, first: ReceivedChunk) -> None:
        self._first = first
        self._intake = self._parts.new_intake()
        self._pipeline = self._parts.open_pipeline(first)

    def offer(self, received: ReceivedChunk, handle: AckHandle) -> None:
        """Queue a chunk; never blocks (the router bounds what is queued)."""
        self._mailbox.append(_Item(received=received, handle=handle))
        self._news.set()

    def stop(self) -> None:
        """Finish the chunk under way and leave the rest unacked: it is delivered again."""
        self._is_stopping = True
        self._news.set()

    async def run(self) -> None:
        """Process until the stream ends, falls silent on the wire, or is told to stop.

        Raises:
            BrokerUnavailable: what could not be published was not acked either.
        """
        try:
            while not self._is_stopping and not self.is_over:
                if self._mailbox or await self._hears_news():
                    await self._take_next()
                elif self._held:
                    await self._close_utterance()
                else:
                    self.is_over = True
        finally:
            self.is_over = True
            self._drop_mailbox()
            self._pipeline.close()

    async def _hears_news(self) -> bool:
        """Whether something was offered, or a stop asked for, before patience ran out."""
        self._news.clear()
        patience_s = self._parts.idle_utterance_s if self._held else self._parts.idle_stream_s
        try:
            await asyncio.wait_for(self._news.wait(), patience_s)
        except TimeoutError:
            return bool(self._mailbox)
        return True

    def _drop_mailbox(self) -> None:
        while self._mailbox:
            self._mailbox.popleft()
            self._parts.on_taken()

    async def _take_next(self) -> None:
        if not self._mailbox or self._is_stopping:
            return
        item = self._mailbox.popleft()
        self._parts.on_taken()
        arrival = self._tracker.observe(item.received.chunk)
        self._parts.on_arrival(arrival)
        if arrival.arrival is Arrival.DUPLICATE:
            item.handle.done()
            return
        if arrival.arrival is Arrival.RESTART:
            await self._close_utterance()
            self._pipeline.close()
            self._begin(item.received)
        await self._accept(item)
        if item.received.chunk.end_of_stream:
            await self._close_utterance()
            self.is_over = not self._mailbox

    async def _accept(self, item: _Item) -> None:
        self._held.append(item)
        try:
            result = await self._on(self._parts.intake_pool, partial(self._intake.accept, item.received.chunk))
        except InvalidMessage as invalid:
            self._held.pop()
            await self._parts.outbox.dead_letter(item.received, invalid.code, invalid.sentence)
            self._finish(item)
        except Exception as error:  # noqa: BLE001  nothing may escape, or Faust loses the message
            await self._give_up(error)
        else:
            await self._process(result, item.received)

    async def _close_utterance(self) -> None:
        """Close the open utterance and finish every chunk; the stream may go on."""
        if not self._held:
            return
        try:
            result = await self._on(self._parts.intake_pool, self._intake.finish)
        except Exception as error:  # noqa: BLE001
            await self._give_up(error)
        else:
            await self._process(result, self._held[-1].received)
            self._release(None)

    async def _process(self, result: IntakeResult, latest: ReceivedChunk) -> None:
        try:
            for event in result.events:
                if self._pipeline.wants(event):
                    waited_ms = (self._parts.clock.monotonic_s() - latest.received_s) * 1000
                    outcome = await self._on(self._parts.recognition_pool, partial(self._pipeline.handle, event))
                    await self._publish(outcome, latest, waited_ms)
        except BrokerUnavailable:
            raise
        except Exception as error:  # noqa: BLE001
            await self._give_up(error)
        else:
            self._release(result.needed_from_sequence)

    async def _publish(
        self, outcome: UtteranceOutcome | PartialOutcome | None, latest: ReceivedChunk, waited_ms: float
    ) -> None:
        match outcome:
            case UtteranceOutcome():
                utterance = outcome.utterance
                chunks = self._chunks(utterance.first_sequence, utterance.last_sequence)
                await self._parts.outbox.utterance(outcome, chunks, waited_ms=waited_ms)
            case PartialOutcome():
                chunks = self._chunks(outcome.opened.first_sequence, latest.chunk.sequence)
                await self._parts.outbox.partial(outcome, chunks)
            case None:
                pass

    def _chunks(self, first_sequence: int, last_sequence: int) -> list[ReceivedChunk]:
        """The held chunks of an utterance, in order."""
        sequences = range(first_sequence, last_sequence + 1)
        return [item.received for item in self._held if item.received.chunk.sequence in sequences]

    def _release(self, needed_from: int | None) -> None:
        """Finish the held chunks that no utterance needs any more."""
        while self._held and (needed_from is None or self._held[0].received.chunk.sequence < needed_from):
            self._finish(self._held.popleft())

    def _finish(self, item: _Item) -> None:
        # A chunk that was refused within an open utterance is finished before those in front of it.
        if not self._held or item.received.chunk.sequence < self._held[0].received.chunk.sequence:
            self._parts.on_finished(item.received)
        item.handle.done()

    async def _give_up(self, error: Exception) -> None:
        """Dead-letter what is held, whole, and begin anew: the stream's next utterance is served again."""
        # The text of a foreign exception may hold speech: its type alone is told.
        kind = type(error).__name__
        log.error("utterance_failed", error=kind, chunks=len(self._held))
        for item in self._held:
            await self._parts.outbox.dead_letter(
                item.received, DeadLetterCode.PROCESSING_FAILED, f"processing failed for good with {kind}"
            )
        self._release(None)
        self._pipeline.close()
        self._begin(self._first)

    async def _on(self, pool: Executor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work)
