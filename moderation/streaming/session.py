"""One stream of one worker: chunks in, published utterances out, acks released as soon as nothing needs them."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import structlog

from moderation.audio.decode import CONFINED_ENCODINGS
from moderation.audio.utterance import IntakeEvent, IntakeResult, Utterance
from moderation.errors import BrokerUnavailable, DeadLetterCode, EngineFailed, InvalidMessage
from moderation.events import ResumeMark
from moderation.partials import PartialOutcome
from moderation.pipeline import UtteranceOutcome
from moderation.streaming.acker import AckHandle
from moderation.streaming.early import StreamEarly
from moderation.streaming.interims import StreamInterims
from moderation.streaming.ordering import Arrival, Ordered, StreamOrder
from moderation.streaming.provisional import ProvisionalFlags
from moderation.streaming.received import ReceivedChunk
from moderation.streaming.session_parts import SessionParts
from moderation.streaming.stream_mark import Marking, StreamMark

SILENCE_CHECK_S = 0.25
"""Pause between looks at whether the stream has fallen silent, once it may have."""

T = TypeVar("T")

Rest = Callable[[], Awaitable[None]]
"""What is left to do for a chunk and must be awaited, by the session's own task."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    received: ReceivedChunk
    handle: AckHandle


class StreamSession:
    """Processes the chunks of one stream, one after another.

    A chunk is finished, and its ack released, when every utterance it belongs to has been published and the resume mark
    has moved behind it; silence is finished at once. When chunks stop coming the open utterance is closed after
    `idle_utterance_s`, so that one silent client never holds back the commits of its partition, and the session is over
    after `idle_stream_s`.

    A chunk that nothing must be awaited for, as most of silence, is heard within `offer`: the session's task sleeps on.
    """

    def __init__(
        self,
        parts: SessionParts,
        first: ReceivedChunk,
        *,
        resume: ResumeMark | None = None,
        move_mark: Marking | None = None,
    ) -> None:
        """`resume` says where the stream was finished; without `move_mark` (a replay) no marks are kept."""
        self._parts = parts
        self._mark = StreamMark(parts.clock, resume=resume, publish=move_mark)
        self._order: StreamOrder[_Item] = StreamOrder(window=parts.limits.reorder_window, resume=resume)
        self._mailbox: deque[_Item] = deque()
        self._news = asyncio.Event()
        self._listens_for_s: float | None = None
        self._quiet_since_s = 0.0
        self._rest: Rest | None = None
        self._is_stopping = False
        self._must_close = False
        self._held: deque[_Item] = deque()
        self._work: Future[Any] | None = None
        interims = StreamInterims(parts.interims, parts.observer, on_ready=self._news.set)
        self._provisional = ProvisionalFlags(parts.outbox, self._mark, interims, chunks=self._chunks)
        self._early = StreamEarly(parts.early, parts.observer)
        self._latest = first
        self.is_over = False
        """Whether `run` has returned or is about to: offer nothing more."""
        self._begin(first)

    def _begin(self, first: ReceivedChunk) -> None:
        """Hear the stream from where its mark says."""
        resume = self._mark.current
        self._first = first
        self._intake = self._parts.new_intake(resume.point if resume else None)
        self._pipeline = self._parts.open_pipeline(first, resume)

    @property
    def is_resting(self) -> bool:
        """Whether nothing would be lost, and nothing told differently, if the session ended now."""
        is_idle = not (self._mailbox or self._rest or self._is_working or self.is_over)
        return is_idle and not (self._held or self._order.is_waiting)

    @property
    def has_open_utterance(self) -> bool:
        """Whether chunks are held for an utterance."""
        return bool(self._held)

    @property
    def hears_speech(self) -> bool:
        """Whether an utterance is open, as far as the stream was heard."""
        return self._intake.hears_speech

    @property
    def _is_working(self) -> bool:
        return self._work is not None and not self._work.done()

    @property
    def _patience_s(self) -> float:
        """How long nothing may come until the stream may count as silent."""
        limits = self._parts.limits
        return limits.idle_utterance_s if self._held or self._order.is_waiting else limits.idle_stream_s

    def offer(self, received: ReceivedChunk, handle: AckHandle) -> None:
        """Take a chunk as far as nothing must be awaited, or queue it behind what is under way (the router bounds what
        is queued). Never blocks."""
        self._mailbox.append(_Item(received=received, handle=handle))
        # Where the task is awake or about to be, the chunk has its turn there.
        if self._listens_for_s is None or self._news.is_set():
            return
        self._rest = self._take_next()
        self._quiet_since_s = asyncio.get_running_loop().time()
        if self._rest is not None or self._patience_s < self._listens_for_s:
            self._news.set()

    def stop(self) -> None:
        """Finish the chunk under way and leave the rest unacked: it is delivered again."""
        self._is_stopping = True
        self._news.set()

    def retire(self) -> None:
        """Make room for another stream. Only a session that `is_resting` may be retired."""
        self.is_over = True
        self._news.set()

    def close_early(self) -> None:
        """Close the open utterance as soon as nothing else is under way: too much waits behind it."""
        self._must_close = True
        self._news.set()

    async def run(self) -> None:
        """Process until the stream ends, falls silent on the wire, or is told to stop.

        Raises:
            BrokerUnavailable: what could not be published was not acked either.
            EngineFailed: the recogniser is gone for good; what it held was not acked.
        """
        try:
            while self._rest is not None or not (self._is_stopping or self.is_over):
                if self._rest is not None:
                    rest, self._rest = self._rest, None
                    await rest()
                elif self._must_close:
                    await self._close_for_others()
                elif self._provisional.has_news:
                    await self._provisional.tell_news()
                elif self._mailbox:
                    await _whole(self._take_next())
                    # Perhaps nothing had to be waited for: others must have their turn.
                    await asyncio.sleep(0)
                elif await self._hears_news():
                    continue
                elif self._held or self._order.is_waiting:
                    await self._go_quiet()
                else:
                    self.is_over = True
        finally:
            self.is_over = True
            self._drop_mailbox()
            self._close_pipeline()

    async def _hears_news(self) -> bool:
        """Whether there is something to look at before the stream counts as silent."""
        self._quiet_since_s = asyncio.get_running_loop().time()
        wait_s = self._listens_for_s = self._patience_s
        self._news.clear()
        try:
            while not await self._news_within(wait_s):
                patience_s = self._listens_for_s = self._patience_s
                wait_s = self._quiet_since_s + patience_s - asyncio.get_running_loop().time()
                if wait_s <= 0:
                    if self._parts.silence.has_lasted(self._latest, wall_s=patience_s):
                        return False
                    wait_s = min(SILENCE_CHECK_S, patience_s)
        finally:
            self._listens_for_s = None
        return True

    async def _news_within(self, wait_s: float) -> bool:
        try:
            async with asyncio.timeout(wait_s):
                await self._news.wait()
        except TimeoutError:
            pass
        return self._news.is_set()

    def _drop_mailbox(self) -> None:
        while self._mailbox:
            self._mailbox.popleft()
            self._parts.on_taken()

    def _take_next(self) -> Rest | None:
        """Serve what the first queued chunk gives the turn to, as far as nothing must be awaited."""
        item = self._mailbox.popleft()
        self._parts.on_taken()
        received = item.received
        self._latest = received
        return self._serve_all(self._order.take(received.chunk, item, offset=received.message.offset))

    def _serve_all(self, turns: Sequence[Ordered[_Item]]) -> Rest | None:
        for at, ordered in enumerate(turns):
            rest = self._serve(ordered)
            if rest is not None:
                return partial(self._serve_behind, rest, turns[at + 1 :])
        return None

    async def _serve_behind(self, rest: Rest, turns: Sequence[Ordered[_Item]]) -> None:
        await rest()
        await _whole(self._serve_all(turns))

    def _serve(self, ordered: Ordered[_Item]) -> Rest | None:
        item = ordered.item
        self._parts.observer.chunk_arrived(ordered.arrival, ordered.missing)
        match ordered.arrival:
            case Arrival.DUPLICATE:
                item.handle.done()
                return None
            case Arrival.LATE:
                reason = "it came after its place in the stream had passed"
                return partial(self._refuse, item, DeadLetterCode.LATE_CHUNK, reason)
            case Arrival.RESTART:
                return partial(self._restart, item)
            case _:
                return self._go_on(item)

    async def _restart(self, item: _Item) -> None:
        await self._close_utterance()
        self._close_pipeline()
        self._mark.forget()
        self._begin(item.received)
        await _whole(self._go_on(item))

    def _go_on(self, item: _Item) -> Rest | None:
        # It may have waited behind the end that was just served: the stream goes on, and its chunks are released.
        self.is_over = False
        rest = self._accept(item)
        return partial(self._end_stream, item, rest) if item.received.chunk.end_of_stream else rest

    def _accept(self, item: _Item) -> Rest | None:
        """Hear a chunk. That takes less time than a change of threads, but for what another process decodes."""
        self._held.append(item)
        chunk = item.received.chunk
        if chunk.encoding in CONFINED_ENCODINGS:
            return partial(self._accept_apart, item)
        try:
            result = self._intake.accept(chunk)
        except Exception as error:  # noqa: BLE001  nothing may escape, or Faust loses the message
            return self._not_heard(item, error)
        return self._heard(item, result)

    async def _accept_apart(self, item: _Item) -> None:
        hear = partial(self._intake.accept, item.received.chunk)
        try:
            result = await self._on(self._parts.intake_pool, hear)
        except Exception as error:  # noqa: BLE001
            rest: Rest | None = self._not_heard(item, error)
        else:
            rest = self._heard(item, result)
        await _whole(rest)

    def _not_heard(self, item: _Item, error: Exception) -> Rest:
        match error:
            case InvalidMessage():
                self._held.pop()
                return partial(self._refuse, item, error.code, error.sentence)
            case EngineFailed():
                raise error
            case _:
                return partial(self._give_up, error)

    def _heard(self, item: _Item, result: IntakeResult) -> Rest | None:
        if result.clock_jump_ms:
            self._parts.observer.clock_jumped()
        if result.events or (self._mark.current is None and result.origin is not None):
            return partial(self._tell, item, result)
        self._release(result.needed_from_sequence)
        return None

    async def _tell(self, item: _Item, result: IntakeResult) -> None:
        if self._mark.current is None and result.origin is not None:
            # Where the timeline begins is kept before any of it is acked.
            await self._mark.begin(result.origin, item.received)
        await self._process(result, item.received)

    async def _refuse(self, item: _Item, code: DeadLetterCode, reason: str) -> None:
        await self._parts.outbox.dead_letter(item.received, code, reason)
        item.handle.done()

    async def _go_quiet(self) -> None:
        """Chunks have stopped coming: serve what waited for others, and close what is open."""
        await _whole(self._serve_all(self._order.give_up_waiting()))
        await self._close_utterance()

    async def _close_for_others(self) -> None:
        self._must_close = False
        if self._held or self._order.is_waiting:
            self._parts.observer.utterance_closed_early()
            await self._go_quiet()

    async def _end_stream(self, item: _Item, rest: Rest | None) -> None:
        await _whole(rest)
        await self._close_utterance(last=item)
        self._order.end()
        self.is_over = not self._mailbox and not self._order.is_waiting

    async def _close_utterance(self, *, last: _Item | None = None) -> None:
        """Close the open utterance and finish every chunk; the stream may go on, unless `last` ends it."""
        if not self._held and last is None:
            return
        try:
            result = self._intake.finish()
        except Exception as error:  # noqa: BLE001
            await self._give_up(error)
            return
        latest = self._held[-1].received if self._held else self._latest
        await self._process(result, latest)
        if last is not None:
            await self._mark.end(last.received)
        self._release(None)

    async def _process(self, result: IntakeResult, latest: ReceivedChunk) -> None:
        try:
            for event in result.events:
                self._provisional.follow(event, self._pipeline)
                self._early.follow(event, self._pipeline)
                if self._pipeline.wants(event):
                    waited_ms = (self._parts.clock.monotonic_s() - latest.received_s) * 1000
                    await self._publish(await self._handle(event), latest, waited_ms)
                if isinstance(event, Utterance):
                    await self._mark_utterance(event)
            self._provisional.listen(self._pipeline, latest)
        except (BrokerUnavailable, EngineFailed):
            raise
        except Exception as error:  # noqa: BLE001
            await self._give_up(error)
        else:
            self._release(result.needed_from_sequence)

    async def _handle(self, event: IntakeEvent) -> UtteranceOutcome | PartialOutcome | None:
        work = partial(self._pipeline.handle, event)
        if not isinstance(event, Utterance):
            return await self._on(self._parts.recognition_pool, work)
        with self._parts.interims.recognising():
            return await self._on(self._parts.recognition_pool, work)

    async def _publish(
        self, outcome: UtteranceOutcome | PartialOutcome | None, latest: ReceivedChunk, waited_ms: float
    ) -> None:
        match outcome:
            case UtteranceOutcome():
                utterance = outcome.utterance
                chunks = self._chunks(utterance.first_sequence, utterance.last_sequence)
                await self._parts.outbox.utterance(
                    outcome, chunks, waited_ms=waited_ms, provisional_flag_id=self._mark.owed_flag_id
                )
            case PartialOutcome():
                chunks = self._chunks(outcome.opened.first_sequence, latest.chunk.sequence)
                if self._parts.partials.published:
                    await self._parts.outbox.partial(outcome, chunks)
                if self._parts.partials.flagged:
                    await self._provisional.tell(outcome, latest)
            case None:
                pass

    def _chunks(self, first_sequence: int, last_sequence: int) -> list[ReceivedChunk]:
        """The held chunks of an utterance, in order."""
        sequences = range(first_sequence, last_sequence + 1)
        return [item.received for item in self._held if item.received.chunk.sequence in sequences]

    def _release(self, needed_from: int | None) -> None:
        """Finish the held chunks that no utterance needs any more."""
        while self._held and (needed_from is None or self._held[0].received.chunk.sequence < needed_from):
            self._held.popleft().handle.done()

    async def _give_up(self, error: Exception) -> None:
        """Dead-letter what is held, whole, and begin anew: the stream's next utterance is served again."""
        # The text of a foreign exception may hold speech: its type alone is told.
        kind = type(error).__name__
        log.error("utterance_failed", error=kind, chunks=len(self._held))
        for item in self._held:
            await self._parts.outbox.dead_letter(
                item.received, DeadLetterCode.PROCESSING_FAILED, f"processing failed for good with {kind}"
            )
        if self._held:
            await self._provisional.settle(self._held[-1].received)
        if self._held and self._mark.current is not None:
            await self._mark.advance(self._intake.resume_point, self._held[-1].received, self._pipeline.memory)
        self._release(None)
        self._close_pipeline()
        self._begin(self._first)

    async def _mark_utterance(self, utterance: Utterance) -> None:
        chunks = self._chunks(utterance.first_sequence, utterance.last_sequence)
        await self._mark.advance(utterance.resume, chunks[-1], self._pipeline.memory)
        self._provisional.forget()

    async def _on(self, pool: Executor, work: Callable[[], T]) -> T:
        future = pool.submit(work)
        self._work = future
        try:
            return await asyncio.wrap_future(future)
        finally:
            if future.done():
                # It holds what came of it, audio and all, until the stream speaks again.
                self._work = None

    def _close_pipeline(self) -> None:
        """Give up what the pipeline holds, behind a call into it that still runs in its thread."""
        self._provisional.drop()
        self._early.drop()
        pipeline = self._pipeline
        if self._is_working and self._work is not None:
            self._work.add_done_callback(lambda _: pipeline.close())
        else:
            pipeline.close()


async def _whole(rest: Rest | None) -> None:
    if rest is not None:
        await rest()
