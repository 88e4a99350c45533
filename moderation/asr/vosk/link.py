"""The engine's end of one worker process."""

import socket
from collections.abc import Callable

from moderation.asr.vosk.messages import MAX_MESSAGE_BYTES, Request
from moderation.errors import EngineCrashed
from moderation.processes.framing import BrokenFrame, receive_frame, send_frame

OnDeath = Callable[["WorkerLink", int | None], None]
"""Told of a worker that died unasked, and of the utterance that it served: a number that is the same when the utterance
is tried again, None where it is not known."""


class WorkerLink:
    """Requests to one worker process: one utterance, one request at a time.

    A worker that ended, or that did not answer in time and was killed, is dead for good: every request raises.
    """

    def __init__(
        self, connection: socket.socket, pid: int, *, kill: Callable[[int], None], on_death: OnDeath, timeout_s: float
    ) -> None:
        self.pid = pid
        self._connection = connection
        self._kill = kill
        self._on_death = on_death
        self._timeout_s = timeout_s
        self._is_alive = True

    def request(self, request: Request, *, utterance: int | None = None) -> bytes:
        """Ask and wait for the answer. `utterance` is the same number whenever the same utterance is tried.

        Raises:
            EngineCrashed: the process is dead; or it did not answer in time and is dead now.
        """
        if not self._is_alive:
            raise EngineCrashed("the Vosk process of this utterance has ended; give the audio to a new recogniser")
        try:
            send_frame(self._connection, request.pack(), self._timeout_s)
            return bytes(receive_frame(self._connection, max_bytes=MAX_MESSAGE_BYTES, timeout_s=self._timeout_s))
        except TimeoutError:
            self._bury(utterance)
            raise EngineCrashed(
                f"a Vosk process did not answer within {self._timeout_s:g} s (MODERATION_ASR__ENGINE_TIMEOUT_S) "
                "and was killed"
            ) from None
        except BrokenFrame:
            self._bury(utterance)
            raise EngineCrashed("a Vosk process died") from None

    def close(self) -> None:
        """Nothing more is wanted: the worker ends. Harmless when called twice."""
        self._is_alive = False
        self._connection.close()

    def _bury(self, utterance: int | None) -> None:
        # A worker exits when its connection ends, unless it hangs.
        was_closed = not self._is_alive
        self.close()
        self._kill(self.pid)
        if not was_closed:
            self._on_death(self, utterance)
