"""One place for a worker process: whoever dies or grows too large is replaced."""

import threading
from collections.abc import Callable
from typing import Literal

import structlog

from moderation.asr.vosk.crashes import CrashHistory
from moderation.asr.vosk.link import WorkerLink
from moderation.clock import Clock
from moderation.errors import EngineCrashed, EngineFailed, InvariantViolation

MAX_FAILED_STARTS = 3
"""Starts that fail in a row before the engine is given up: no utterance is to blame for them."""

RestartCause = Literal["died", "grew"]

log = structlog.get_logger(__name__)


class WorkerSlot:
    """Gives utterances to its worker process, and starts one when there is none. Thread-safe."""

    def __init__(
        self,
        fork: Callable[[], WorkerLink],
        history: CrashHistory,
        clock: Clock,
        *,
        on_restart: Callable[[RestartCause], None],
    ) -> None:
        """`on_restart` is told of each worker that took the place of another."""
        self._fork = fork
        self._history = history
        self._clock = clock
        self._on_restart = on_restart
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._link: WorkerLink | None = None
        self._vacated_by: RestartCause | None = None
        self._failed_starts = 0

    @property
    def link(self) -> WorkerLink | None:
        """The present worker, dead or alive; None before the first utterance."""
        return self._link

    def begin(self) -> tuple[WorkerLink, int]:
        """A worker and the number of a new attempt at an utterance with it. May wait a few seconds after crashes.

        Raises:
            EngineCrashed: starting failed; try again.
            EngineFailed: the worker keeps crashing, or cannot be started any more.
            InvariantViolation: the engine was closed.
        """
        with self._lock:
            link = self._present()
            return link, link.begin()

    def close(self) -> None:
        """End the worker."""
        self._closed.set()
        with self._lock:
            if self._link is not None:
                self._link.close()

    def _present(self) -> WorkerLink:
        if self._link is not None and self._link.takes_utterances:
            return self._link
        self._vacate()
        self._await_permission()
        self._link = self._start()
        if self._vacated_by is not None:
            cause, self._vacated_by = self._vacated_by, None
            log.warning("engine_process_replaced", cause=cause, pid=self._link.pid)
            self._on_restart(cause)
        return self._link

    def _vacate(self) -> None:
        if self._link is None:
            return
        self._vacated_by = "died" if self._link.crashed else "grew"
        if self._link.crashed:
            self._history.record(self._clock.monotonic_s(), self._link.died_serving)
        self._link = None

    def _start(self) -> WorkerLink:
        try:
            link = self._fork()
        except EngineCrashed:
            self._history.record(self._clock.monotonic_s())
            self._failed_starts += 1
            if self._failed_starts < MAX_FAILED_STARTS:
                raise
            raise EngineFailed(
                f"a Vosk process could not be started {MAX_FAILED_STARTS} times in a row: check the machine's memory "
                "and `moderation models verify`, then start the worker again; what it held is delivered again"
            ) from None
        self._failed_starts = 0
        return link

    def _await_permission(self) -> None:
        now_s = self._clock.monotonic_s()
        if self._history.is_hopeless(now_s):
            raise EngineFailed(
                "a Vosk process keeps dying (MODERATION_ASR__VOSK_MAX_CRASHES within "
                "MODERATION_ASR__VOSK_CRASH_WINDOW_S): check the machine's memory and `moderation models verify`, or "
                "choose another engine in MODERATION_ASR__ENGINES; then start the worker again, what it held is "
                "delivered again"
            )
        if self._closed.wait(self._history.wait_s(now_s)):
            raise InvariantViolation("a Vosk engine was used after it was closed")
