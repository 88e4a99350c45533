"""The life of a worker process: requests in, replies out, until the engine hangs up. Single-threaded."""

import socket
from pathlib import Path

from moderation.asr.vosk.listening import RecognizerPool
from moderation.asr.vosk.messages import MAX_MESSAGE_BYTES, FinalReply, Operation, PartialReply, Request
from moderation.processes.framing import BrokenFrame, receive_frame, send_frame


def serve(connection: socket.socket, pool: RecognizerPool) -> None:
    """Answer requests until the connection ends."""
    while True:
        try:
            request = Request.unpack(bytes(receive_frame(connection, max_bytes=MAX_MESSAGE_BYTES)))
            send_frame(connection, _answer(pool, request))
        except BrokenFrame:
            return


def _answer(pool: RecognizerPool, request: Request) -> bytes:
    match request.operation:
        case Operation.ACCEPT:
            return PartialReply(pool.accept(request.utterance, request.pcm)).pack()
        case Operation.FINISH:
            return FinalReply(pool.finish(request.utterance, request.pcm), private_mb()).pack()
        case Operation.DISCARD:
            pool.discard(request.utterance)
            return b"{}"


def private_mb(pid: int | str = "self") -> int:
    """Memory that a process shares with no other, MiB. 0 where the system does not say."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) // 1024
