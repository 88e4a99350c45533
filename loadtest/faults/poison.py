"""Messages that no worker can process, each of which must become one dead letter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from loadtest.faults.options import CHUNK_MS
from loadtest.faults.script import StreamScript
from moderation.contracts.audio_chunk import AudioChunkCodec
from moderation.events import AudioChunk, AudioEncoding

HEADER = "loadtest-poison"
"""Marks poison in the audio topic, so that the checks find it there; workers do not look at it."""
_HEADER_BYTES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Poison:
    """One such message."""

    key: bytes | None
    value: bytes | None
    number: int

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """The mark."""
        return [(HEADER, str(self.number).encode())]


def make_poison(number: int, scripts: Sequence[StreamScript], codec: AudioChunkCodec, now: datetime) -> Poison:
    """Poison of one of five kinds, in turn, in the partition of one of the streams, in turn.

    No value; not framed; Avro that ends too soon; another stream's key; audio that is none, in a stream of its own.
    """
    key = scripts[number % len(scripts)].stream_id.encode()
    stream_id = f"poison-{number}"
    good = codec.encode(_chunk(stream_id, bytes(16 * CHUNK_MS * 2), AudioEncoding.PCM_S16LE, now))
    # A framed message with its last bytes gone; what is left is longer than the header.
    short = good[: _HEADER_BYTES + (len(good) - _HEADER_BYTES) // 2]
    undecodable = codec.encode(_chunk(stream_id, b"\x00\x04\xff\xff\xff\xff", AudioEncoding.OPUS, now))
    kinds: list[tuple[bytes | None, bytes | None]] = [
        (key, None),
        (key, b"this is no message of ours"),
        (key, short),
        (key, good),
        (stream_id.encode(), undecodable),
    ]
    chosen_key, value = kinds[number % len(kinds)]
    return Poison(key=chosen_key, value=value, number=number)


def _chunk(stream_id: str, payload: bytes, encoding: AudioEncoding, now: datetime) -> AudioChunk:
    return AudioChunk(
        tenant_id="loadtest",
        session_id="poison",
        stream_id=stream_id,
        speaker_id="poison",
        sequence=0,
        captured_at=now,
        encoding=encoding,
        sample_rate_hz=48_000 if encoding is AudioEncoding.OPUS else 16_000,
        channels=1,
        payload=payload,
    )
