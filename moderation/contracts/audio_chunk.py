"""AudioChunk to bytes and back, and what every chunk must satisfy."""

import re
from datetime import UTC, datetime

from moderation.contracts.limits import ContractLimits
from moderation.contracts.record import Record, RecordCodec
from moderation.errors import DeadLetterCode, InvalidMessage
from moderation.events import AudioChunk, AudioEncoding

EVENT = "audio_chunk"

MAX_SEQUENCE = 1 << 62
"""More chunks than any stream has; what is counted on from here still fits a long."""
MAX_SAMPLE_RATE_HZ = 768_000
"""The highest rate that any audio interface has; which rates are decoded is a setting of `audio/`."""
MAX_CHANNELS = 255
"""Opus' and FFmpeg's bound; how many are decoded is a setting of `audio/`."""

# An instant outside these was written in seconds or microseconds instead of milliseconds, or by an unset clock.
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)

_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}")
_ENCODINGS = {encoding.value: encoding for encoding in AudioEncoding}
_IDS = ("tenant_id", "session_id", "stream_id", "speaker_id")


class AudioChunkCodec:
    """AudioChunk to bytes and back; both directions enforce the same rules."""

    def __init__(self, records: RecordCodec, limits: ContractLimits) -> None:
        self._records = records
        self._limits = limits

    def encode(self, event: AudioChunk) -> bytes:
        """The framed bytes of a chunk. Instants are rounded down to the millisecond.

        Raises:
            InvalidMessage: the chunk breaks a rule; the sentence names the field.
        """
        require_valid(event, self._limits)
        return self._records.encode(to_record(event))

    def decode(self, value: bytes | None) -> AudioChunk:
        """The chunk in a message's value.

        Raises:
            InvalidMessage: the value holds no valid chunk; the sentence names the field and never quotes it.
        """
        record = self._records.decode(value)
        encoding = record["encoding"]
        if encoding == "UNKNOWN":
            raise InvalidMessage(
                DeadLetterCode.UNSUPPORTED_FORMAT,
                "the encoding of the chunk is not known to this version; update it, or have the producer use another",
            )
        # Every other field has the name and type that the event gives it.
        record["encoding"] = _ENCODINGS[encoding]
        chunk = AudioChunk(**record)
        require_valid(chunk, self._limits)
        return chunk


def to_record(event: AudioChunk) -> Record:
    """The chunk as its schema has it."""
    return {
        "tenant_id": event.tenant_id,
        "session_id": event.session_id,
        "stream_id": event.stream_id,
        "speaker_id": event.speaker_id,
        "sequence": event.sequence,
        "captured_at": event.captured_at,
        "encoding": event.encoding.value,
        "sample_rate_hz": event.sample_rate_hz,
        "channels": event.channels,
        "payload": event.payload,
        "end_of_stream": event.end_of_stream,
        "language_hint": event.language_hint,
        "attributes": dict(event.attributes),
    }


def require_key(chunk: AudioChunk, key: bytes | None) -> None:
    """Refuse a chunk whose message is not keyed by its stream: its order would not be kept.

    Raises:
        InvalidMessage: KEY_MISMATCH.
    """
    if key != chunk.stream_id.encode():
        raise InvalidMessage(
            DeadLetterCode.KEY_MISMATCH, "the message key is not the stream_id; have the producer key by stream_id"
        )


def require_valid(chunk: AudioChunk, limits: ContractLimits) -> None:
    """Refuse a chunk that breaks a rule of the contract.

    Raises:
        InvalidMessage: INVALID_FIELD, or PAYLOAD_TOO_LARGE for the payload's size.
    """
    for name in _IDS:
        _require_id(name, getattr(chunk, name), limits.max_id_chars)
    if chunk.sequence < 0:
        raise _invalid("sequence is negative; it counts from 0")
    if chunk.sequence > MAX_SEQUENCE:
        raise _invalid("sequence exceeds 2^62; it counts the chunks of the stream")
    if not _EARLIEST <= chunk.captured_at < _LATEST:
        raise _invalid("captured_at lies outside the years 2000 to 2099; it counts milliseconds since 1970")
    if not 0 < chunk.sample_rate_hz <= MAX_SAMPLE_RATE_HZ:
        raise _invalid(f"sample_rate_hz is {chunk.sample_rate_hz}; it must be 1 to {MAX_SAMPLE_RATE_HZ}")
    if not 0 < chunk.channels <= MAX_CHANNELS:
        raise _invalid(f"channels is {chunk.channels}; it must be 1 to {MAX_CHANNELS}")
    _require_payload(chunk, limits.max_payload_bytes)
    if chunk.language_hint is not None and not _LANGUAGE_TAG.fullmatch(chunk.language_hint):
        raise _invalid("language_hint is not a BCP-47 tag such as en or pt-BR; leave it null when unknown")
    if chunk.attributes:
        _require_attributes(chunk, limits)


def _require_id(name: str, value: str, max_chars: int) -> None:
    if not value or value.isspace():
        raise _invalid(f"{name} is empty")
    if len(value) > max_chars:
        raise _invalid(f"{name} has {len(value)} characters and {max_chars} are allowed")
    if not value.isprintable():
        raise _invalid(f"{name} holds characters that cannot be printed")


def _require_payload(chunk: AudioChunk, max_bytes: int) -> None:
    size = len(chunk.payload)
    if size > max_bytes:
        raise InvalidMessage(
            DeadLetterCode.PAYLOAD_TOO_LARGE,
            f"the payload has {size} bytes and {max_bytes} are allowed (MODERATION_AUDIO__MAX_PAYLOAD_BYTES)",
        )
    if size == 0 and not chunk.end_of_stream:
        raise _invalid("payload is empty; only the last chunk of a stream may be")


def _require_attributes(chunk: AudioChunk, limits: ContractLimits) -> None:
    if len(chunk.attributes) > limits.max_attributes:
        raise _invalid(f"attributes holds {len(chunk.attributes)} entries and {limits.max_attributes} are allowed")
    longest = max(max(len(name), len(value)) for name, value in chunk.attributes.items())
    if longest > limits.max_attribute_chars:
        raise _invalid(f"attributes holds {longest} characters in one place; {limits.max_attribute_chars} are allowed")


def _invalid(sentence: str) -> InvalidMessage:
    return InvalidMessage(DeadLetterCode.INVALID_FIELD, sentence)
