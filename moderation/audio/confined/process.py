"""The worker's end of one decoding process."""

import socket
import time

from moderation.audio.confined.messages import Decoded, Refused, Reply, longest_reply_bytes
from moderation.processes.framing import BrokenFrame, receive_frame, send_frame
from moderation.settings import AudioSettings


class ProcessLost(Exception):
    """A decoding process died, hung or talked nonsense. It is of no more use."""


class DecodingProcess:
    """Requests to one decoding process, one after another. Used from one thread at a time."""

    def __init__(self, connection: socket.socket, pid: int, limits: AudioSettings) -> None:
        self.pid = pid
        self._connection = connection
        self._deadline_s = limits.decode_deadline_ms / 1000
        self._start_timeout_s = limits.decode_start_timeout_s

    def await_readiness(self) -> str | None:
        """Wait for the answer to its first request; what is wrong with it, or None."""
        try:
            reply = self._receive(0, self._start_timeout_s)
        except TimeoutError:
            return f"it was not ready within {self._start_timeout_s:g} s (MODERATION_AUDIO__DECODE_START_TIMEOUT_S)"
        except (BrokenFrame, ValueError):
            return "it ended before it was ready"
        match reply.answer:
            case Decoded():
                return None
            case Refused(_, sentence):
                return f"it could not decode the longest chunk: {sentence}"

    def ask(self, request: bytes, *, max_samples: int) -> Reply:
        """The reply to a packed request, whose answer has at most `max_samples`.

        Raises:
            ProcessLost: there is none within the deadline.
        """
        deadline_s = time.monotonic() + self._deadline_s
        try:
            send_frame(self._connection, request, self._deadline_s)
            return self._receive(max_samples, max(0.0, deadline_s - time.monotonic()))
        except (TimeoutError, BrokenFrame, ValueError):
            raise ProcessLost from None

    def hang_up(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _receive(self, max_samples: int, timeout_s: float) -> Reply:
        message = receive_frame(self._connection, max_bytes=longest_reply_bytes(max_samples), timeout_s=timeout_s)
        return Reply.unpack(message)
