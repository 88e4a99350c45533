"""Worker processes for utterances: how many at a time, and whether another may be started after crashes."""

import threading
from collections.abc import Callable

from moderation.asr.vosk.crashes import CrashHistory
from moderation.asr.vosk.link import WorkerLink
from moderation.clock import Clock
from moderation.errors import EngineCrashed, EngineFailed, InvariantViolation

MAX_FAILED_STARTS = 3
"""Starts that fail in a row before the engine is given up: no utterance is to blame for them."""


class WorkerSupply:
    """Gives each utterance a worker process of its own. Thread-safe."""

    def __init__(
        self, fork: Callable[[], WorkerLink], history: CrashHistory, clock: Clock, *, max_workers: int
    ) -> None:
        """`max_workers` is how many utterances may be heard while they are still spoken."""
        self._fork = fork
        self._history = history
        self._clock = clock
        self._max_workers = max_workers
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._open: set[WorkerLink] = set()
        self._failed_starts = 0

    @property
    def open_links(self) -> tuple[WorkerLink, ...]:
        """The workers that serve now."""
        return tuple(self._open)

    def begin_early(self) -> WorkerLink | None:
        """A worker for an utterance that is still spoken; None while as many as may be are at work.

        Raises: as `begin`.
        """
        with self._lock:
            return None if len(self._open) >= self._max_workers else self.begin()

    def begin(self) -> WorkerLink:
        """A worker for an utterance that cannot wait. May take a few seconds after crashes.

        Raises:
            EngineCrashed: starting failed; try again.
            EngineFailed: workers keep crashing, or cannot be started any more.
            InvariantViolation: the engine was closed.
        """
        with self._lock:
            self._await_permission()
            link = self._start()
            self._open.add(link)
            return link

    def end(self, link: WorkerLink) -> None:
        """The utterance is over, and so is its worker."""
        link.close()
        self._open.discard(link)

    def record_crash(self, utterance: int | None = None) -> None:
        """A process died, while that utterance was served: a number that is the same when it is tried again."""
        with self._lock:
            self._history.record(self._clock.monotonic_s(), utterance)

    def close(self) -> None:
        """End all workers, and start no more."""
        self._closed.set()
        for link in self.open_links:
            self.end(link)

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
                "Vosk processes keep dying (MODERATION_ASR__VOSK_MAX_CRASHES within "
                "MODERATION_ASR__VOSK_CRASH_WINDOW_S): check the machine's memory and `moderation models verify`, or "
                "choose another engine in MODERATION_ASR__ENGINES; then start the worker again, what it held is "
                "delivered again"
            )
        if self._closed.wait(self._history.wait_s(now_s)):
            raise InvariantViolation("a Vosk engine was used after it was closed")
