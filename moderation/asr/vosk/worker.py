"""The life of a worker process: one utterance, or until the engine hangs up. Single-threaded."""

import contextlib
import resource
import socket
from pathlib import Path

from moderation.asr.vosk.listening import WarmRecognizer
from moderation.asr.vosk.messages import MAX_MESSAGE_BYTES, FinalReply, Operation, PartialReply, Request
from moderation.processes.framing import BrokenFrame, receive_frame, send_frame


def serve(connection: socket.socket, recognizer: WarmRecognizer) -> None:
    """Answer requests until the utterance has ended."""
    with contextlib.suppress(BrokenFrame):
        operation = None
        while operation is not Operation.FINISH:
            request = Request.unpack(bytes(receive_frame(connection, max_bytes=MAX_MESSAGE_BYTES)))
            operation = request.operation
            send_frame(connection, _answer(recognizer, request))


def _answer(recognizer: WarmRecognizer, request: Request) -> bytes:
    recognizer.accept(request.pcm)
    match request.operation:
        case Operation.ACCEPT:
            return PartialReply(recognizer.partial()).pack()
        case Operation.FINISH:
            return FinalReply(recognizer.finish()).pack()


def limit_growth(max_mb: int) -> None:
    """End this process when it allocates more than this on top of what it has, and leave no image of its memory.

    Where the system does not say what it has, nothing is limited.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return
    limit = pages * resource.getpagesize() + max_mb * 1024**2
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
