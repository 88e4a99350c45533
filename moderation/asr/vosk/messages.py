"""What the engine and its worker processes say to each other. One request, one reply, in turn.

A request is one byte for the operation, then PCM. A reply is JSON. Who wants nothing more hangs up.
"""

import json
from dataclasses import dataclass
from enum import Enum

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""A longer message is a broken connection."""


class Operation(Enum):
    """What the worker is asked to do."""

    ACCEPT = b"A"
    """Take whole blocks of audio. Reply: `PartialReply`."""
    FINISH = b"F"
    """Take the rest and end the utterance; the worker ends as well. Reply: `FinalReply`."""


@dataclass(frozen=True, slots=True)
class Request:
    """`pcm` is 16-bit little-endian at 16 kHz."""

    operation: Operation
    pcm: bytes = b""

    def pack(self) -> bytes:
        """As bytes."""
        return self.operation.value + self.pcm

    @classmethod
    def unpack(cls, message: bytes) -> "Request":
        """From bytes.

        Raises:
            ValueError: there is no such operation.
        """
        return cls(Operation(message[:1]), message[1:])


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
    """The tokens of the utterance."""

    tokens: tuple[TokenTime, ...]

    def pack(self) -> bytes:
        """As bytes."""
        return json.dumps({"tokens": [[t.token, t.start_s, t.end_s, t.confidence] for t in self.tokens]}).encode()

    @classmethod
    def unpack(cls, message: bytes) -> "FinalReply":
        """From bytes."""
        return cls(tuple(TokenTime(*token) for token in json.loads(message)["tokens"]))
