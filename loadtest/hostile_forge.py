"""The means to forge hostile chunks: Avro fields written by hand, so that any of them can be wrong.

Written apart from `moderation.contracts` on purpose: that code is what the forgeries are meant to break.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from loadtest.hostile_samples import AudioSamples
from moderation.contracts.catalogue import load_schemas
from moderation.contracts.framing import single_object_header
from moderation.settings import Settings

ACCEPTED = "accepted"
"""The outcome of a message that becomes no dead letter. All others are dead letter codes."""

LEAST_LONG, GREATEST_LONG = -(1 << 63), (1 << 63) - 1
ENCODINGS = ("UNKNOWN", "PCM_S16LE", "PCM_F32LE", "MULAW", "ALAW", "OPUS", "OGG_OPUS", "FLAC")
"""The symbols of the schema's enum, in its order."""

Fields = dict[str, bytes]
"""Name to Avro bytes, in the order of the schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One Kafka message. `place` chooses the partition: messages that must keep their order share it.

    A header name may hold lone surrogates U+DC80 to U+DCFF; they stand for the bytes 80 to FF (PEP 383).
    """

    place: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One kind of hostility, and what may come of it. Of N messages, about N * weight / (sum of weights) are of it."""

    name: str
    outcomes: frozenset[str]
    make: "Callable[[Forge], Envelope]"
    weight: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class HostileMessage:
    """A message with the case it is of."""

    case: Case
    envelope: Envelope


def case(name: str, outcomes: str, make: "Callable[[Forge], Envelope]", *, weight: int = 100) -> Case:
    """A case whose outcomes are given as words."""
    return Case(name=name, outcomes=frozenset(outcomes.split()), make=make, weight=weight)


class Forge:
    """Makes chunks that are valid until told otherwise. Memory does not grow with the number of messages."""

    def __init__(self, settings: Settings, *, seed: int, run_id: str, now: datetime | None = None) -> None:
        self.rng = random.Random(seed)
        self.settings = settings
        self.samples = AudioSamples()
        self.run_id = run_id
        self._now = now or datetime.now(UTC)
        self._schema = max((file for file in load_schemas() if file.event == "audio_chunk"), key=lambda f: f.version)
        self.header = single_object_header(self._schema.schema)
        """What a valid value begins with."""
        self._streams = 0

    @property
    def now_ms(self) -> int:
        """When the run began, ms since 1970."""
        return int(self._now.timestamp() * 1000)

    def new_stream(self) -> str:
        """A stream id that no other message has."""
        self._streams += 1
        return f"hostile-{self.run_id}-{self._streams}"

    def fields(self, stream_id: str | None = None, /, **changes: bytes) -> Fields:
        """A valid chunk of 20 ms of PCM that ends its stream, but for the changes."""
        return {
            "tenant_id": text("hostile"),
            "session_id": text("hostile-session"),
            "stream_id": text(stream_id or self.new_stream()),
            "speaker_id": text("hostile-speaker"),
            "sequence": number(0),
            "captured_at": number(self.now_ms),
            "encoding": number(ENCODINGS.index("PCM_S16LE")),
            "sample_rate_hz": number(16_000),
            "channels": number(1),
            "payload": text(bytes(640)),
            "end_of_stream": b"\x01",
            "language_hint": number(0),
            "attributes": number(0),
        } | changes

    def value(self, fields: Mapping[str, bytes]) -> bytes:
        """The framed bytes."""
        return self.header + b"".join(fields.values())

    def envelope(self, stream_id: str | None = None, /, **changes: bytes) -> Envelope:
        """A message of a chunk with the changes, keyed as it should be."""
        stream = stream_id or self.new_stream()
        return Envelope(place=stream, key=stream.encode(), value=self.value(self.fields(stream, **changes)))

    def raw(self, value: bytes | None) -> Envelope:
        """A message of these bytes."""
        stream = self.new_stream()
        return Envelope(place=stream, key=stream.encode(), value=value)

    def audio(self, encoding: str, payload: bytes, *, rate_hz: int = 16_000, channels: int = 1) -> Envelope:
        """A message with this payload, the only one of its stream."""
        return self.envelope(
            encoding=number(ENCODINGS.index(encoding)),
            payload=text(payload),
            sample_rate_hz=number(rate_hz),
            channels=number(channels),
        )


def number(value: int) -> bytes:
    """An Avro int or long. Source: Avro 1.11 specification, "Binary encoding". Wider values get longer varints."""
    zigzag = value << 1 if value >= 0 else (-value << 1) - 1
    out = bytearray()
    while zigzag > 0x7F:
        out.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    out.append(zigzag)
    return bytes(out)


def text(value: str | bytes) -> bytes:
    """An Avro string or bytes."""
    data = value.encode() if isinstance(value, str) else value
    return number(len(data)) + data


def table(entries: Mapping[str, str]) -> bytes:
    """An Avro map of strings in one block."""
    body = b"".join(text(name) + text(value) for name, value in entries.items())
    return number(len(entries)) + body + number(0) if entries else number(0)
