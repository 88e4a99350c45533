"""The worker's end of the server that forks decoding processes."""

import json
import os
import socket
import subprocess
import sys
from typing import Any

from moderation.audio.confined.process import DecodingProcess
from moderation.audio.confined.server import MAX_MESSAGE_BYTES
from moderation.processes.lifetime import ONE_THREAD, import_path
from moderation.settings import AudioSettings

PROGRAM = "from moderation.audio.confined.server import main; main()"
_EXIT_PATIENCE_S = 5.0
_BURIAL_PATIENCE_S = 5.0


class CannotStart(Exception):
    """A process did not come up. The text is for the operator."""


class ServerProcess:
    """A running server. Used from one thread at a time.

    It runs in a session of its own, so that Ctrl-C in a terminal reaches the application only; it ends with the
    application in any case, because its connection ends.
    """

    def __init__(self, limits: AudioSettings, program: str = PROGRAM) -> None:
        """Start it; returns at once. `program` is Python that serves as `server.main` does.

        Raises:
            CannotStart: the system refused.
        """
        self._limits = limits
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603  our own program
                    [*(sys.executable, "-P", "-c", program), str(theirs.fileno()), limits.model_dump_json()],
                    pass_fds=(theirs.fileno(),),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,
                    env={**os.environ, **ONE_THREAD, "PYTHONPATH": import_path()},
                )
        except OSError as error:
            self._control.close()
            raise CannotStart(f"the system refused to start it: {error.strerror}") from None

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.pid

    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def fork(self) -> DecodingProcess:
        """A decoding process that has shown that it works.

        Raises:
            CannotStart: it did not.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                answer = self._ask({"fork": True}, self._limits.decode_start_timeout_s, theirs.fileno())
        except OSError:
            ours.close()
            self._kill()
            raise CannotStart("its server died, or did not answer in time") from None
        if "pid" not in answer:
            ours.close()
            raise CannotStart(f"the system refused to fork it: {answer['failed']}")
        process = DecodingProcess(ours, answer["pid"], self._limits)
        problem = process.await_readiness()
        if problem is not None:
            ended_by = self.bury(process)
            raise CannotStart(f"{problem} (ended by {ended_by})")
        return process

    def bury(self, process: DecodingProcess) -> str:
        """End a process, and leave nothing of it. Returns what ended it, as `ending` says it."""
        process.hang_up()
        try:
            ended_by: str = self._ask({"bury": process.pid}, _BURIAL_PATIENCE_S)["ended_by"]
        except OSError:
            # A server that does not answer takes its processes along.
            self._kill()
            return "the death of its server"
        return ended_by

    def close(self) -> None:
        """End it and its processes. Harmless when called twice."""
        self._control.close()
        try:
            self._process.wait(_EXIT_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._kill()

    def _kill(self) -> None:
        self._control.close()
        self._process.kill()
        self._process.wait()

    def _ask(self, request: dict[str, Any], timeout_s: float, descriptor: int | None = None) -> dict[str, Any]:
        self._control.settimeout(timeout_s)
        message = json.dumps(request).encode()
        socket.send_fds(self._control, [message], [] if descriptor is None else [descriptor])
        answer = self._control.recv(MAX_MESSAGE_BYTES)
        if not answer:
            raise ConnectionResetError("the server hung up")
        decoded: dict[str, Any] = json.loads(answer)
        return decoded
