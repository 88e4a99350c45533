"""The process that forks decoding processes: forking takes 2 ms, starting Python with FFmpeg takes half a second.

It runs no threads and decodes nothing, so forking it is safe, and it always answers. Run as
`python -c "from moderation.audio.confined.server import main; main()" FD SETTINGS`, where FD is a Unix socket of whole
messages to the worker and SETTINGS the audio settings as JSON. When the socket ends (the worker closed it, or died in
any way), it kills its processes and exits; when it dies itself, the kernel kills them.

Requests are JSON: `{"fork": true}` with one end of a socket attached is answered with `{"pid": n}`, or with
`{"failed": errno}`; `{"bury": pid}` kills a process, waits for it, and is answered with `{"ended_by": text}`, the text
of `ending`: what ended it, if it was over before.
"""

import contextlib
import errno
import gc
import json
import os
import signal
import socket
import sys
from typing import Any, NoReturn

from moderation.audio.confined.serving import sample_request, serve
from moderation.processes.lifetime import die_with, ending
from moderation.settings import AudioSettings

MAX_MESSAGE_BYTES = 256


class DecodingServer:
    """Answers the worker's requests."""

    def __init__(self, control: socket.socket, limits: AudioSettings) -> None:
        self._control = control
        self._limits = limits
        self._first_request = sample_request(limits)
        self._children: set[int] = set()

    def serve(self) -> None:
        """Answer until the worker hangs up; leaves no process behind."""
        try:
            while True:
                message, descriptors, _, _ = socket.recv_fds(self._control, MAX_MESSAGE_BYTES, 1)
                if not message:
                    return
                self._control.send(json.dumps(self._answer(json.loads(message), descriptors)).encode())
        except OSError:
            return
        finally:
            for pid in list(self._children):
                self._bury(pid)

    def _answer(self, request: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        if "bury" in request:
            return {"ended_by": self._bury(request["bury"])}
        (descriptor,) = descriptors
        try:
            return {"pid": self._fork(descriptor)}
        except OSError as error:
            return {"failed": errno.errorcode.get(error.errno or 0, "unknown")}
        finally:
            os.close(descriptor)

    def _fork(self, descriptor: int) -> int:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_decoder(descriptor, parent)
        self._children.add(pid)
        return pid

    def _become_decoder(self, descriptor: int, parent: int) -> NoReturn:
        code = 1
        try:
            die_with(parent)
            serve(socket.socket(fileno=descriptor), self._limits, self._first_request)
            code = 0
        finally:
            # Nothing of the server's clean-up is this process's business, and no exception text may be printed.
            os._exit(code)

    def _bury(self, pid: int) -> str:
        if pid not in self._children:
            return "unknown"
        # Not waited for yet, so its number cannot have gone to another process.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        self._children.discard(pid)
        return ending(status)


def main() -> None:
    """Serve the worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = DecodingServer(socket.socket(fileno=int(sys.argv[1])), AudioSettings.model_validate_json(sys.argv[2]))
    gc.collect()
    gc.freeze()
    server.serve()
