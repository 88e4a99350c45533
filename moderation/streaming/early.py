"""Recognising utterances at pauses that may be their ends, in time that nobody needs."""

import asyncio
from collections import deque
from concurrent.futures import Executor, Future
from typing import Protocol

from moderation.asr.engine import Recognition
from moderation.audio.utterance import IntakeEvent, Utterance, UtterancePaused
from moderation.clock import Clock
from moderation.early import EarlyRecognition
from moderation.pipeline import StreamPipeline
from moderation.streaming.interims import InterimDesk, call_in

BURST_S = 0.5
"""What may have been recognised in vain, beyond the share, before no more is begun."""


class EarlyObserver(Protocol):
    """Told what came of early recognitions, to be counted."""

    def recognised_early(self, *, in_vain: bool) -> None:
        """An utterance was recognised at a pause; `in_vain`: it went on."""
        ...


class EarlyDesk:
    """Lets one utterance be recognised early at a time, none while one that has ended is.

    Others wait their turn. An utterance that ends where it paused costs nothing more; what is recognised in vain takes
    at most `share` of the time in the long run. Called in the event loop.
    """

    def __init__(self, pool: Executor, clock: Clock, interims: InterimDesk, *, share: float) -> None:
        """`pool` has a thread for this; `interims` knows when an utterance that has ended is recognised."""
        self._pool = pool
        self._clock = clock
        self._interims = interims
        self._share = share
        self._under_way: Future[Recognition] | None = None
        self._waiting: deque[EarlyRecognition] = deque()
        self._in_vain_s = 0.0
        self._reckoned_s = clock.monotonic_s()
        interims.when_quiet(self._begin_next)

    @property
    def is_open(self) -> bool:
        """Whether not too much was recognised in vain."""
        self._reckon()
        return self._share > 0 and self._in_vain_s <= BURST_S

    def queue(self, early: EarlyRecognition) -> None:
        """Recognise early as soon as nothing is in the way; only when it `is_open`."""
        self._waiting.append(early)
        self._begin_next()

    def give_up(self, early: EarlyRecognition) -> bool:
        """Want nothing of it any more. Returns whether it was in vain: it had begun."""
        if early in self._waiting:
            self._waiting.remove(early)
            return False
        self._reckon()
        self._in_vain_s += early.took_s
        return True

    def _reckon(self) -> None:
        now_s = self._clock.monotonic_s()
        self._in_vain_s = max(0.0, self._in_vain_s - self._share * (now_s - self._reckoned_s))
        self._reckoned_s = now_s

    def _begin_next(self) -> None:
        is_busy = not self._interims.is_quiet or (self._under_way is not None and not self._under_way.done())
        if self._waiting and not is_busy:
            loop = asyncio.get_running_loop()
            self._under_way = self._waiting.popleft().begin(self._pool)
            self._under_way.add_done_callback(lambda _: call_in(loop, self._begin_next))


class StreamEarly:
    """The early recognition of one stream: at most one, that of its latest pause."""

    def __init__(self, desk: EarlyDesk, observer: EarlyObserver) -> None:
        self._desk = desk
        self._observer = observer
        self._early: EarlyRecognition | None = None

    def follow(self, event: IntakeEvent, pipeline: StreamPipeline) -> None:
        """What intake says, before it is handled."""
        match event:
            case UtterancePaused():
                self.drop()
                if self._desk.is_open and (early := pipeline.early(event)) is not None:
                    self._early = early
                    self._desk.queue(early)
            case Utterance() if self._early is not None and self._early.has_begun and self._early.is_of(event):
                early, self._early = self._early, None
                self._observer.recognised_early(in_vain=False)
                pipeline.take_early(early)
            case Utterance():
                self.drop()

    def drop(self) -> None:
        """Want nothing of what was begun."""
        early, self._early = self._early, None
        if early is not None and self._desk.give_up(early):
            self._observer.recognised_early(in_vain=True)
