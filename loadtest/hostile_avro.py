"""Values that are no Avro, or another's, or not what their schema writes."""

from loadtest.hostile_forge import ENCODINGS, GREATEST_LONG, Case, Envelope, Forge, case, number, table, text
from moderation.contracts.catalogue import load_schemas
from moderation.contracts.framing import CONFLUENT_MARKER, SINGLE_OBJECT_MARKER, single_object_header

ANY_REFUSAL = (
    "unknown_framing unknown_schema malformed_avro invalid_field key_mismatch payload_too_large "
    "unsupported_format undecodable_audio audio_limit_exceeded"
)
"""Every code but those that need an earlier chunk (format_changed) or a bug (processing_failed)."""


def avro_cases() -> list[Case]:
    """Every case of this kind."""
    return [
        case("avro: no value", "empty_value", lambda f: f.raw(None)),
        case("avro: empty value", "empty_value", lambda f: f.raw(b"")),
        case(
            "avro: random bytes", "unknown_framing", lambda f: f.raw(b"\x7f" + f.rng.randbytes(f.rng.randint(0, 999)))
        ),
        case("avro: text", "unknown_framing", lambda f: f.raw(b'{"tenant_id": "hostile", "payload": ""}')),
        case(
            "avro: short marker",
            "unknown_framing",
            lambda f: f.raw((SINGLE_OBJECT_MARKER + bytes(9))[: f.rng.randint(1, 9)]),
        ),
        case(
            "avro: short registry id", "unknown_framing", lambda f: f.raw(CONFLUENT_MARKER + bytes(f.rng.randint(0, 3)))
        ),
        case("avro: unknown fingerprint", "unknown_schema", _unknown_fingerprint),
        case("avro: another event's schema", "unknown_schema", _another_event),
        case("avro: unknown registry id", "unknown_schema", _unknown_registry_id),
        case(
            "avro: nested lists of no schema",
            "unknown_schema",
            lambda f: f.raw(SINGLE_OBJECT_MARKER + bytes(8) + b"\x02" * 20_000),
            weight=5,
        ),
        case("avro: header alone", "malformed_avro", lambda f: f.raw(f.header)),
        case("avro: truncated", "malformed_avro", _truncated),
        case(
            "avro: trailing bytes",
            "malformed_avro",
            lambda f: f.raw(f.value(f.fields()) + f.rng.randbytes(f.rng.randint(1, 50))),
        ),
        case(
            "avro: random body",
            "malformed_avro " + ANY_REFUSAL,
            lambda f: f.raw(f.header + f.rng.randbytes(f.rng.randint(1, 500))),
        ),
        case("avro: flipped bits", "accepted " + ANY_REFUSAL, _flipped, weight=600),
        case("avro: negative length", "malformed_avro", lambda f: _with_length(f, -f.rng.randint(1, 1 << 40))),
        case(
            "avro: length beyond the end", "malformed_avro", lambda f: _with_length(f, f.rng.randint(10_000, 1 << 31))
        ),
        case("avro: greatest length", "malformed_avro", lambda f: _with_length(f, GREATEST_LONG)),
        case("avro: length over 64 bits", "malformed_avro", lambda f: _with_length(f, 1 << f.rng.randint(64, 400))),
        case("avro: endless number", "malformed_avro", lambda f: f.raw(f.header + b"\xff" * f.rng.randint(20, 4000))),
        case("avro: text not UTF-8", "malformed_avro", _not_utf8),
        case(
            "avro: union index",
            "malformed_avro",
            lambda f: f.envelope(language_hint=number(_not_in(f, 2)) + text("en")),
        ),
        case("avro: enum index", "malformed_avro", lambda f: f.envelope(encoding=number(_not_in(f, len(ENCODINGS))))),
        case("avro: encoding unknown", "unsupported_format", lambda f: f.envelope(encoding=number(0))),
        case("avro: boolean", "malformed_avro", lambda f: f.envelope(end_of_stream=bytes([f.rng.randint(2, 255)]))),
        case(
            "avro: int over 32 bits", "malformed_avro", lambda f: f.envelope(sample_rate_hz=number((1 << 32) + 16_000))
        ),
        case("avro: long over 64 bits", "malformed_avro", lambda f: f.envelope(sequence=number(1 << 64))),
        case(
            "avro: a trillion attributes",
            "invalid_field",
            lambda f: f.envelope(attributes=number(1 << 40) + bytes(100)),
        ),
        case(
            "avro: a negative trillion of attributes",
            "invalid_field",
            lambda f: f.envelope(attributes=number(-(1 << 40)) + number(4) + bytes(8)),
        ),
        case(
            "avro: attributes never end",
            "invalid_field malformed_avro",
            lambda f: f.envelope(attributes=(number(1) + bytes(2)) * f.rng.randint(1, 60)),
        ),
        case(
            "avro: attributes in sized blocks",
            "accepted",
            lambda f: f.envelope(attributes=number(-1) + number(GREATEST_LONG) + text("a") + text("b") + number(0)),
        ),
        case(
            "avro: attributes all named alike",
            "accepted",
            lambda f: f.envelope(attributes=number(32) + (text("a") + text("b")) * 32 + number(0)),
        ),
        case(
            "avro: too many attributes",
            "invalid_field",
            lambda f: f.envelope(attributes=table({str(n): "" for n in range(33)})),
        ),
        case("avro: long attribute", "invalid_field", lambda f: f.envelope(attributes=table({"a": "x" * 513}))),
    ]


def _unknown_fingerprint(forge: Forge) -> Envelope:
    return forge.raw(SINGLE_OBJECT_MARKER + forge.rng.randbytes(8) + forge.value(forge.fields())[10:])


def _another_event(forge: Forge) -> Envelope:
    others = [file.schema for file in load_schemas() if file.event != "audio_chunk"]
    return forge.raw(single_object_header(forge.rng.choice(others)) + forge.rng.randbytes(200))


def _unknown_registry_id(forge: Forge) -> Envelope:
    return forge.raw(CONFLUENT_MARKER + forge.rng.randbytes(4) + forge.value(forge.fields())[10:])


def _truncated(forge: Forge) -> Envelope:
    value = forge.value(forge.fields())
    return forge.raw(value[: forge.rng.randint(len(forge.header), len(value) - 1)])


def _flipped(forge: Forge) -> Envelope:
    stream = forge.new_stream()
    value = bytearray(forge.value(forge.fields(stream, payload=text(forge.samples.opus), encoding=number(5))))
    for _ in range(forge.rng.randint(1, 8)):
        value[forge.rng.randrange(len(value))] ^= 1 << forge.rng.randrange(8)
    return Envelope(place=stream, key=stream.encode(), value=bytes(value))


def _with_length(forge: Forge, length: int) -> Envelope:
    name = forge.rng.choice(["tenant_id", "session_id", "speaker_id", "payload"])
    return forge.envelope(**{name: number(length) + b"abc"})


def _not_utf8(forge: Forge) -> Envelope:
    name = forge.rng.choice(["tenant_id", "session_id", "speaker_id"])
    return forge.envelope(
        **{name: text(forge.rng.choice([b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"a\xe2\x82"]))}
    )


def _not_in(forge: Forge, size: int) -> int:
    return forge.rng.choice([-1, -size, size, size + 1, 1 << 31, GREATEST_LONG, -GREATEST_LONG])
