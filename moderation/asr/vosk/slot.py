"""One place for a worker process: whoever dies or grows too large is replaced."""

import threading
from collections.abc import Callable

from moderation.asr.vosk.crashes import CrashHistory
from moderation.asr.vosk.link import WorkerLink
from moderation.clock import Clock
from moderation.errors import ConfigurationError, EngineCrashed, InvariantViolation


class WorkerSlot:
    """Gives utterances to its worker process, and starts one when there is none. Thread-safe."""

    def __init__(self, fork: Callable[[], WorkerLink], history: CrashHistory, clock: Clock) -> None:
        self._fork = fork
        self._history = history
        self._clock = clock
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._link: WorkerLink | None = None

    @property
    def link(self) -> WorkerLink | None:
        """The present worker, dead or alive; None before the first utterance."""
        return self._link

    def begin(self) -> tuple[WorkerLink, int]:
        """A worker and the number of a new utterance with it. May wait a few seconds after crashes.

        Raises:
            EngineCrashed: starting failed; try again.
            ConfigurationError: the worker keeps crashing.
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
        if self._link is not None and self._link.crashed:
            self._link = None
            self._history.record(self._clock.monotonic_s())
        self._await_permission()
        try:
            self._link = self._fork()
        except EngineCrashed:
            self._history.record(self._clock.monotonic_s())
            raise
        return self._link

    def _await_permission(self) -> None:
        now_s = self._clock.monotonic_s()
        if self._history.is_hopeless(now_s):
            raise ConfigurationError(
                "a Vosk process keeps crashing (MODERATION_ASR__VOSK_MAX_CRASHES within "
                "MODERATION_ASR__VOSK_CRASH_WINDOW_S): check the machine's memory and `moderation models verify`, or "
                "choose another engine in MODERATION_ASR__ENGINES"
            )
        if self._closed.wait(self._history.wait_s(now_s)):
            raise InvariantViolation("a Vosk engine was used after it was closed")
