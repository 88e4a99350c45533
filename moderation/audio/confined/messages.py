"""What goes between the worker and a decoding process. Neither side trusts what it receives."""

import json
import struct
from dataclasses import dataclass

import numpy as np

from moderation.audio.limits import StreamFormat
from moderation.audio.utterance import Samples
from moderation.errors import DeadLetterCode
from moderation.events import AudioEncoding

_REQUEST = struct.Struct(">cIB")
_REPLY = struct.Struct(">c?xx")  # four bytes, so that the samples behind it are aligned
REQUEST_HEAD_BYTES = _REQUEST.size

_LETTERS = {AudioEncoding.FLAC: b"F", AudioEncoding.OGG_OPUS: b"O"}
_ENCODINGS = {letter: encoding for encoding, letter in _LETTERS.items()}

MAX_REFUSAL_BYTES = 1024
"""Longest refusal; longer is nonsense."""


@dataclass(frozen=True, slots=True)
class DecodeRequest:
    """A file to decode, and what the chunk declares of it."""

    stream_format: StreamFormat
    payload: bytes | memoryview

    def pack(self) -> bytes:
        """As bytes."""
        declared = self.stream_format
        return b"".join(
            (_REQUEST.pack(_LETTERS[declared.encoding], declared.sample_rate_hz, declared.channels), self.payload)
        )

    @classmethod
    def unpack(cls, message: bytes | bytearray) -> "DecodeRequest":
        """From bytes, which it goes on using."""
        letter, sample_rate_hz, channels = _REQUEST.unpack_from(message)
        stream_format = StreamFormat(encoding=_ENCODINGS[letter], sample_rate_hz=sample_rate_hz, channels=channels)
        return cls(stream_format, memoryview(message)[_REQUEST.size :])


@dataclass(frozen=True, slots=True)
class Decoded:
    """Mono samples within [-1, 1], shape (n,)."""

    samples: Samples


@dataclass(frozen=True, slots=True)
class Refused:
    """The payload cannot be used."""

    code: DeadLetterCode
    sentence: str


Answer = Decoded | Refused


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, and whether the process has grown so much that it should be replaced."""

    answer: Answer
    is_worn: bool = False

    def pack(self) -> bytes:
        """As bytes."""
        match self.answer:
            case Decoded(samples):
                return _REPLY.pack(b"S", self.is_worn) + samples.astype("<f4", copy=False).tobytes()
            case Refused(code, sentence):
                return _REPLY.pack(b"R", self.is_worn) + json.dumps([code.value, sentence]).encode()

    @classmethod
    def unpack(cls, message: bytes | bytearray) -> "Reply":
        """From bytes, which it goes on using.

        Raises:
            ValueError: it is no reply.
        """
        if len(message) < _REPLY.size:
            raise ValueError("the reply is too short")
        kind, is_worn = _REPLY.unpack_from(message)
        return cls(_unpack_answer(kind, memoryview(message)[_REPLY.size :]), is_worn)


def longest_reply_bytes(max_samples: int) -> int:
    """Of a reply with at most `max_samples`."""
    return _REPLY.size + max(4 * max_samples, MAX_REFUSAL_BYTES)


def _unpack_answer(kind: bytes, body: memoryview) -> Answer:
    match kind:
        case b"S":
            return Decoded(_samples(body))
        case b"R" if len(body) <= MAX_REFUSAL_BYTES:
            return _refused(body)
        case _:
            raise ValueError("this is no reply")


def _samples(body: memoryview) -> Samples:
    samples = np.frombuffer(body, "<f4")
    # Not a number fails the comparison too.
    if len(samples) and not max(samples.max(), -samples.min()) <= 1.0:
        raise ValueError("the samples are out of range")
    return samples


def _refused(body: memoryview) -> Refused:
    content = json.loads(bytes(body))
    if not (isinstance(content, list) and len(content) == 2 and isinstance(content[1], str)):
        raise ValueError("this is no refusal")
    return Refused(DeadLetterCode(content[0]), content[1])
