"""What the engine and its worker processes say to each other. One request, one reply, in turn.

A request is one byte for the operation, the utterance's number as unsigned 32-bit big-endian, then PCM. A reply is
JSON.
"""

import json
import struct
from dataclasses import dataclass
from enum import Enum

_HEAD = struct.Struct(">cI")

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""A longer message is a broken connection."""


class Operation(Enum):
    """What the worker is asked to do with an utterance."""

    ACCEPT = b"A"
    """Take whole blocks of audio; the first begins the utterance. Reply: `PartialReply`."""
    FINISH = b"F"
    """Take the rest and end the utterance. Reply: `FinalReply`."""
    DISCARD = b"D"
    """Forget the utterance. Reply: `{}`."""


@dataclass(frozen=True, slots=True)
class Request:
    """`pcm` is 16-bit little-endian at 16 kHz."""

    operation: Operation
    utterance: int
    pcm: bytes = b""

    def pack(self) -> bytes:
        """As bytes."""
        return _HEAD.pack(self.operation.value, self.utterance) + self.pcm

    @classmethod
    def unpack(cls, message: bytes) -> "Request":
        """From bytes.

        Raises:
            ValueError: there is no such operation, or the message is too short.
        """
        if len(message) < _HEAD.size:
            raise ValueError("the request is too short")
        operation, utterance = _HEAD.unpack_from(message)
        return cls(Operation(operation), utterance, message[_HEAD.size :])


@dataclass(frozen=True, slots=True)
class TokenTime:
    """A token as the model writes it. Seconds count from the utterance's first sample."""

    token: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class PartialReply:
    """The tokens so far, as the model writes them, separated by spaces."""

    text: str

    def pack(self) -> bytes:
        """As bytes."""
        return json.dumps({"text": self.text}).encode()

    @classmethod
    def unpack(cls, message: bytes) -> "PartialReply":
        """From bytes."""
        return cls(json.loads(message)["text"])


@dataclass(frozen=True, slots=True)
class FinalReply:
    """The tokens of the utterance, and how much memory the worker has for itself."""

    tokens: tuple[TokenTime, ...]
    private_mb: int

    def pack(self) -> bytes:
        """As bytes."""
        tokens = [[t.token, t.start_s, t.end_s, t.confidence] for t in self.tokens]
        return json.dumps({"tokens": tokens, "private_mb": self.private_mb}).encode()

    @classmethod
    def unpack(cls, message: bytes) -> "FinalReply":
        """From bytes."""
        values = json.loads(message)
        return cls(tuple(TokenTime(*token) for token in values["tokens"]), values["private_mb"])
