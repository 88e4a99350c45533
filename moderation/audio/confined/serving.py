"""The life of a decoding process: files in, samples out, until the worker hangs up. Single-threaded."""

import socket

import numpy as np

from moderation.audio.confined.confinement import Confinement, confine
from moderation.audio.confined.messages import (
    REQUEST_HEAD_BYTES,
    Answer,
    Decoded,
    DecodeRequest,
    Refused,
    Reply,
)
from moderation.audio.container import FileDecoder
from moderation.audio.encode import ChunkEncoder
from moderation.audio.limits import StreamFormat
from moderation.errors import DeadLetterCode, InvalidMessage
from moderation.events import AudioEncoding
from moderation.processes.framing import BrokenFrame, receive_frame, send_frame
from moderation.settings import AudioSettings

_MIB = 1024 * 1024


def sample_request(limits: AudioSettings) -> bytes:
    """A request with as much audio as a chunk may hold: what a process must be able to decode to be of use."""
    rate = limits.max_sample_rate_hz
    longest = np.zeros(max(1, rate * limits.max_chunk_ms // 1000), np.float32)
    (payload,) = ChunkEncoder(AudioEncoding.FLAC, rate, limits.max_chunk_ms).encode(longest)
    return DecodeRequest(StreamFormat(encoding=AudioEncoding.FLAC, sample_rate_hz=rate, channels=1), payload).pack()


def serve(connection: socket.socket, limits: AudioSettings, first_request: bytes) -> None:
    """Confine this process, show by `first_request` that it works, and answer until the worker hangs up."""
    connection, confinement = confine(
        connection, memory_bytes=limits.decode_memory_mb * _MIB, cpu_ms=limits.decode_cpu_ms
    )
    try:
        send_frame(connection, _first_reply(first_request, limits, confinement).pack())
        while True:
            request = receive_frame(connection, max_bytes=REQUEST_HEAD_BYTES + limits.max_payload_bytes)
            send_frame(connection, _reply(request, limits, confinement).pack())
    except BrokenFrame:
        return


def _first_reply(request: bytes, limits: AudioSettings, confinement: Confinement) -> Reply:
    try:
        # As a payload of the largest size would be in memory, twice: received, and as FFmpeg reads it.
        reserved = bytearray(2 * limits.max_payload_bytes)
    except MemoryError:
        return Reply(Refused(DeadLetterCode.AUDIO_LIMIT_EXCEEDED, "there is too little memory for the largest payload"))
    reply = _reply(request, limits, confinement)
    del reserved
    return Reply(Decoded(np.zeros(0, np.float32))) if isinstance(reply.answer, Decoded) else reply


def _reply(request: bytes | bytearray, limits: AudioSettings, confinement: Confinement) -> Reply:
    with confinement.limited_cpu():
        answer = _answer(DecodeRequest.unpack(request), limits)
    return Reply(answer, is_worn=confinement.is_worn)


def _answer(request: DecodeRequest, limits: AudioSettings) -> Answer:
    try:
        return Decoded(FileDecoder(request.stream_format, limits).decode(request.payload))
    except InvalidMessage as refusal:
        return Refused(refusal.code, refusal.sentence)
    except Exception as error:  # noqa: BLE001  the payload is to blame, whatever it is; its text could hold audio
        return Refused(DeadLetterCode.PROCESSING_FAILED, f"decoding failed with {type(error).__name__}")
