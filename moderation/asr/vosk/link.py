"""The engine's end of one worker process."""

import itertools
import socket
import threading
from collections.abc import Callable

from moderation.asr.vosk.messages import MAX_MESSAGE_BYTES, Request
from moderation.errors import EngineCrashed
from moderation.processes.framing import BrokenFrame, receive_frame, send_frame


class WorkerLink:
    """Requests to one worker process, one at a time; thread-safe.

    A worker that ended, or that did not answer in time and was killed, is dead for good: every request raises.
    A retired worker serves its open utterances to the end and is then ended.
    """

    def __init__(self, connection: socket.socket, pid: int, *, kill: Callable[[int], None], timeout_s: float) -> None:
        self.pid = pid
        self._connection = connection
        self._kill = kill
        self._timeout_s = timeout_s
        self._turn = threading.Lock()
        self._state = threading.Lock()
        self._numbers = itertools.count()
        self._open: set[int] = set()
        self._alive = True
        self._retired = False
        self.died_serving: int | None = None
        """Which utterance's request found it dead or killed it; None while it lives, and where it is not known."""

    @property
    def takes_utterances(self) -> bool:
        """Whether new utterances may begin here."""
        return self._alive and not self._retired

    @property
    def crashed(self) -> bool:
        """Whether it ended otherwise than by being retired or closed."""
        return not self._alive and not self._retired

    def begin(self) -> int:
        """Number a new attempt at an utterance."""
        with self._state:
            number = next(self._numbers)
            self._open.add(number)
            return number

    def end(self, number: int) -> None:
        """An attempt is over; the last one of a retired worker ends it."""
        with self._state:
            self._open.discard(number)
            ended = self._retired and not self._open
        if ended:
            self._hang_up()

    def request(self, request: Request, *, utterance: int | None = None) -> bytes:
        """Ask and wait for the answer. `utterance` is the same number whenever the same utterance is tried.

        Raises:
            EngineCrashed: the process is dead; or it did not answer in time and is dead now.
        """
        with self._turn:
            if not self._alive:
                raise EngineCrashed("the Vosk process of this utterance has ended; give the audio to a new recogniser")
            try:
                send_frame(self._connection, request.pack(), self._timeout_s)
                return bytes(receive_frame(self._connection, max_bytes=MAX_MESSAGE_BYTES, timeout_s=self._timeout_s))
            except TimeoutError:
                self._bury(utterance)
                raise EngineCrashed(
                    f"a Vosk process did not answer within {self._timeout_s:g} s (MODERATION_ASR__ENGINE_TIMEOUT_S) "
                    "and was replaced"
                ) from None
            except BrokenFrame:
                self._bury(utterance)
                raise EngineCrashed("a Vosk process died and was replaced") from None

    def retire(self) -> None:
        """Take no more utterances; end when none is open."""
        with self._state:
            self._retired = True
            ended = not self._open
        if ended:
            self._hang_up()

    def close(self) -> None:
        """End the process now."""
        self._retired = True
        self._hang_up()

    def _bury(self, utterance: int | None) -> None:
        self.died_serving = utterance
        self._hang_up()
        self._kill(self.pid)

    def _hang_up(self) -> None:
        # The worker exits when its connection ends, unless it hangs; then `_bury` kills it.
        self._alive = False
        self._connection.close()
