"""The process that holds a Vosk model and a warm recogniser, and forks the worker processes, which share its memory.

It runs no threads and decodes nothing that strangers said, so forking it is safe, and it always answers. Run as
`python -c "from moderation.asr.vosk.model_server import main; main()" FD MODEL_FOLDER MAX_MB`, where FD is a Unix
socket to the engine and MAX_MB how much a worker may take on top. When the socket ends (the engine closed it, or its
process died in any way), it kills its workers and exits; when it dies itself, the kernel kills its workers.

Requests are JSON frames: `{"fork": true}` with one end of a socket attached is answered with `{"pid": n}`;
`{"kill": pid}` with `{}`. Once the model is loaded it says `{"ready": true}` of its own accord, or `{"failed": true}`;
then it warms up, for as long as a few seconds of audio take, and answers after that.
"""

import array
import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import traceback
from typing import Any, NoReturn

from moderation.asr.vosk.listening import WarmRecognizer
from moderation.asr.vosk.messages import MAX_MESSAGE_BYTES
from moderation.asr.vosk.worker import limit_growth, serve
from moderation.processes.framing import BrokenFrame, receive_frame, send_frame
from moderation.processes.lifetime import die_with

_REAP_INTERVAL_S = 0.5
ATTACHED = b"+"
"""Sent before a request that comes with a file descriptor; the descriptor travels with this byte."""
PLAIN = b"-"


class ModelServer:
    """Answers the engine's requests."""

    def __init__(self, control: socket.socket, recognizer: WarmRecognizer, max_mb: int) -> None:
        self._control = control
        self._recognizer = recognizer
        self._max_mb = max_mb
        self._workers: set[int] = set()

    def serve(self) -> None:
        """Answer until the engine hangs up; leaves no worker behind."""
        try:
            while True:
                readable, _, _ = select.select([self._control], [], [], _REAP_INTERVAL_S)
                self._reap()
                if readable:
                    self._answer()
        except BrokenFrame:
            return
        finally:
            for pid in self._workers:
                _kill(pid)

    def _answer(self) -> None:
        descriptor = _receive_descriptor(self._control)
        request = json.loads(receive_frame(self._control, max_bytes=MAX_MESSAGE_BYTES))
        if descriptor is not None:
            reply = {"pid": self._fork(descriptor)}
        else:
            self._end(request["kill"])
            reply = {}
        send_frame(self._control, json.dumps(reply).encode())

    def _fork(self, descriptor: int) -> int:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_worker(descriptor, parent)
        os.close(descriptor)
        self._workers.add(pid)
        return pid

    def _become_worker(self, descriptor: int, parent: int) -> NoReturn:
        code = 1
        try:
            die_with(parent)
            self._control.close()
            limit_growth(self._max_mb)
            serve(socket.socket(fileno=descriptor), self._recognizer)
            code = 0
        except Exception as error:  # noqa: BLE001  whatever it is, this process ends here
            # The place and the kind only: the message could hold what was said.
            place = traceback.extract_tb(error.__traceback__)[-1]
            sys.stderr.write(f"Vosk worker: {type(error).__name__} in {place.name}, line {place.lineno}\n")
        finally:
            # Not sys.exit: nothing of the server's clean-up is the worker's business.
            os._exit(code)

    def _end(self, pid: int) -> None:
        # Only a worker that was not reaped: its number cannot have gone to another process.
        if pid in self._workers:
            _kill(pid)

    def _reap(self) -> None:
        for pid in list(self._workers):
            if os.waitpid(pid, os.WNOHANG)[0]:
                self._workers.discard(pid)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _receive_descriptor(control: socket.socket) -> int | None:
    """Reads the byte before a request, and the descriptor that came with it."""
    size = array.array("i").itemsize
    control.settimeout(None)
    marker, ancillary, _, _ = control.recvmsg(1, socket.CMSG_SPACE(size))
    if not marker:
        raise BrokenFrame("the engine hung up")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            return array.array("i", content[:size])[0]
    return None


def _load(folder: str) -> Any:
    import vosk  # noqa: PLC0415  the native library is needed in this process alone

    vosk.SetLogLevel(-1)
    return vosk.Model(folder)


def main() -> None:
    """Load, say so, serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    try:
        model = _load(sys.argv[2])
    except Exception:  # noqa: BLE001  vosk raises plain Exceptions
        send_frame(control, b'{"failed": true}')
        return
    with contextlib.suppress(BrokenFrame):
        send_frame(control, b'{"ready": true}')
        recognizer = WarmRecognizer(model)
        recognizer.warm_up()
        # What the collector does not look at stays shared.
        gc.freeze()
        ModelServer(control, recognizer, int(sys.argv[3])).serve()
