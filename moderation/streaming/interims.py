"""Interim decodes beside the recognition of utterances that have ended."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Protocol

import structlog

from moderation.clock import Clock
from moderation.partials import Interim, PartialOutcome
from moderation.pipeline import StreamPipeline
from moderation.streaming.received import ReceivedChunk

log = structlog.get_logger(__name__)


class InterimObserver(Protocol):
    """Told what came of interim decodes, to be counted."""

    def interim_heard(self, *, in_time: bool) -> None:
        """An interim decode was made; `in_time`: before the utterance ended."""
        ...


class InterimDesk:
    """Lets one interim decode be made at a time, none while an utterance that has ended is recognised.

    All together take at most `share` of the time: after each there is a pause in proportion to it. What is refused is
    asked for again with the stream's next chunk. `begin` and `recognising` are called in the event loop.
    """

    def __init__(self, pool: Executor, clock: Clock, *, share: float, on_made: Callable[[float], None]) -> None:
        """`pool` has a thread for this: those of recognition are for utterances that have ended. `on_made` is told
        there how many seconds each interim decode took."""
        self._pool = pool
        self._on_made = on_made
        self._clock = clock
        self._share = share
        self._under_way: Future[PartialOutcome] | None = None
        self._pauses_until_s = 0.0
        self._recognised = 0
        self._told_of_quiet: list[Callable[[], None]] = []

    @contextmanager
    def recognising(self) -> Iterator[None]:
        """An utterance that has ended is recognised meanwhile."""
        self._recognised += 1
        try:
            yield
        finally:
            self._recognised -= 1
            if self.is_quiet:
                for tell in self._told_of_quiet:
                    tell()

    @property
    def is_quiet(self) -> bool:
        """Whether no utterance that has ended is being recognised."""
        return not self._recognised

    def when_quiet(self, tell: Callable[[], None]) -> None:
        """Have `tell` called, in the event loop, whenever it becomes quiet."""
        self._told_of_quiet.append(tell)

    @property
    def is_free(self) -> bool:
        """Whether an interim decode may be begun."""
        is_busy = not self.is_quiet or (self._under_way is not None and not self._under_way.done())
        return not is_busy and self._clock.monotonic_s() >= self._pauses_until_s

    def begin(self, interim: Interim) -> Future[PartialOutcome]:
        """Make an interim decode; only when `is_free`."""
        self._under_way = self._pool.submit(self._hear, interim)
        return self._under_way

    def _hear(self, interim: Interim) -> PartialOutcome:
        began_s = self._clock.monotonic_s()
        try:
            return interim.hear()
        finally:
            took_s = self._clock.monotonic_s() - began_s
            self._pauses_until_s = began_s + took_s / self._share
            self._on_made(took_s)


class StreamInterims:
    """The interim decode of one stream: at most one, dropped when its utterance ends before it does."""

    def __init__(self, desk: InterimDesk, observer: InterimObserver, *, on_ready: Callable[[], None]) -> None:
        """`on_ready` is called in the event loop when there is something to `take`."""
        self._desk = desk
        self._observer = observer
        self._on_ready = on_ready
        self._under_way: tuple[Future[PartialOutcome], ReceivedChunk] | None = None

    @property
    def is_ready(self) -> bool:
        """Whether an interim decode has come to an end."""
        return self._under_way is not None and self._under_way[0].done()

    def begin_if_due(self, pipeline: StreamPipeline, latest: ReceivedChunk) -> None:
        """Begin one, if the open utterance is due and nothing is in the way; `latest` is its last chunk so far."""
        if self._under_way is None and pipeline.is_interim_due and self._desk.is_free:
            interim = pipeline.interim()
            if interim is not None:
                loop, future = asyncio.get_running_loop(), self._desk.begin(interim)
                self._under_way = (future, latest)
                future.add_done_callback(lambda _: call_in(loop, self._on_ready))

    def take(self) -> tuple[PartialOutcome, ReceivedChunk] | None:
        """What `is_ready`, with the last chunk that was heard; None where it failed, which the end of the utterance
        makes good."""
        if self._under_way is None:
            return None
        (future, latest), self._under_way = self._under_way, None
        if (error := future.exception()) is not None:
            log.warning("interim_failed", error=type(error).__name__)
            return None
        self._observer.interim_heard(in_time=True)
        return future.result(), latest

    def drop(self) -> None:
        """Want nothing of what is under way."""
        if self._under_way is not None:
            (future, _), self._under_way = self._under_way, None
            if not future.cancel():
                self._observer.interim_heard(in_time=False)


def call_in(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """Call in the loop's thread, from any other; not where the loop has ended."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)
