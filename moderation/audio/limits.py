"""Refusals of audio, and the checks that every encoding shares."""

from dataclasses import dataclass
from datetime import MAXYEAR
from typing import NoReturn

from moderation.errors import DeadLetterCode, InvalidMessage
from moderation.events import AudioChunk, AudioEncoding
from moderation.settings import AudioSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFormat:
    """What every chunk of one stream must agree on."""

    encoding: AudioEncoding
    sample_rate_hz: int
    channels: int

    @classmethod
    def of(cls, chunk: AudioChunk) -> "StreamFormat":
        """The format that a chunk declares."""
        return cls(encoding=chunk.encoding, sample_rate_hz=chunk.sample_rate_hz, channels=chunk.channels)


def refuse(code: DeadLetterCode, sentence: str) -> NoReturn:
    """Refuse the chunk in hand.

    Raises:
        InvalidMessage: always.
    """
    raise InvalidMessage(code, sentence) from None


def check_chunk(chunk: AudioChunk, limits: AudioSettings) -> None:
    """Refuse a chunk whose size or declared format is out of bounds, before anything is decoded.

    Raises:
        InvalidMessage: PAYLOAD_TOO_LARGE, INVALID_FIELD or UNDECODABLE_AUDIO (no audio in it).
    """
    if len(chunk.payload) > limits.max_payload_bytes:
        refuse(
            DeadLetterCode.PAYLOAD_TOO_LARGE,
            f"the payload has {len(chunk.payload)} bytes, at most {limits.max_payload_bytes} are accepted; "
            "send shorter chunks",
        )
    if not limits.min_sample_rate_hz <= chunk.sample_rate_hz <= limits.max_sample_rate_hz:
        refuse(
            DeadLetterCode.INVALID_FIELD,
            f"sample_rate_hz is {chunk.sample_rate_hz}, it must lie between {limits.min_sample_rate_hz} and "
            f"{limits.max_sample_rate_hz}",
        )
    if not 1 <= chunk.channels <= limits.max_channels:
        refuse(DeadLetterCode.INVALID_FIELD, f"channels is {chunk.channels}, 1 to {limits.max_channels} are accepted")
    if chunk.captured_at.year >= MAXYEAR:
        refuse(DeadLetterCode.INVALID_FIELD, "captured_at is at the end of time, so that no audio can follow it")
    if not chunk.payload and not chunk.end_of_stream:
        refuse(DeadLetterCode.UNDECODABLE_AUDIO, "the payload is empty; only a chunk that ends the stream may be")


def check_duration(samples: int, sample_rate_hz: int, limits: AudioSettings) -> None:
    """Refuse more audio than one chunk may hold. `samples` counts one channel.

    Raises:
        InvalidMessage: AUDIO_LIMIT_EXCEEDED.
    """
    if samples * 1000 > limits.max_chunk_ms * sample_rate_hz:
        refuse(
            DeadLetterCode.AUDIO_LIMIT_EXCEEDED,
            f"the chunk holds more than {limits.max_chunk_ms} ms of audio; send shorter chunks",
        )
