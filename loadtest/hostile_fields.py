"""Well-formed Avro whose values are out of bounds, or exactly at them."""

from datetime import UTC, datetime

from loadtest.hostile_forge import GREATEST_LONG, LEAST_LONG, Case, Envelope, Forge, case, number, text

_IDS = ("tenant_id", "session_id", "stream_id", "speaker_id")


def field_cases() -> list[Case]:
    """Every case of this kind."""
    return [
        case(
            "field: id empty or blank",
            "invalid_field",
            lambda f: _with_id(f, f.rng.choice(["", " ", "\t\n", "\u2003"])),
        ),
        case(
            "field: id too long", "invalid_field", lambda f: _with_id(f, "x" * (f.settings.contracts.max_id_chars + 1))
        ),
        case("field: id of 50 kB", "invalid_field", lambda f: _with_id(f, "\u00e9" * 25_000), weight=3),
        case("field: id at its limit", "accepted", _longest_ids),
        case(
            "field: id unprintable",
            "invalid_field",
            lambda f: _with_id(f, f.rng.choice(["a\x00b", "\u202eabc", "\x1b[2J", "\ufeff", "a\nb"])),
        ),
        case(
            "field: id like a path",
            "accepted",
            lambda f: f.envelope(tenant_id=text("../../etc/passwd"), speaker_id=text("'; DROP TABLE x; --")),
        ),
        case(
            "field: sequence negative",
            "invalid_field",
            lambda f: f.envelope(sequence=number(f.rng.choice([-1, LEAST_LONG, -(1 << 31)]))),
        ),
        case("field: sequence greatest", "invalid_field", lambda f: f.envelope(sequence=number(GREATEST_LONG))),
        case(
            "field: sequence huge",
            "accepted",
            lambda f: f.envelope(sequence=number(f.rng.randint(1 << 31, 1 << 62))),
        ),
        case(
            "field: captured_at at the extremes",
            "invalid_field malformed_avro",
            lambda f: f.envelope(captured_at=number(_extreme(f))),
        ),
        case(
            "field: captured_at in seconds", "invalid_field", lambda f: f.envelope(captured_at=number(f.now_ms // 1000))
        ),
        case(
            "field: captured_at in microseconds",
            "invalid_field malformed_avro",
            lambda f: f.envelope(captured_at=number(f.now_ms * 1000)),
        ),
        case(
            "field: captured_at just allowed",
            "accepted",
            lambda f: f.envelope(captured_at=number(f.rng.choice([_ms(2000), _ms(2100) - 1]))),
        ),
        case("field: sample rate", "invalid_field", lambda f: f.envelope(sample_rate_hz=number(_rate(f)))),
        case("field: channels", "invalid_field", lambda f: f.envelope(channels=number(_channels(f)))),
        case("field: payload empty", "invalid_field", lambda f: f.envelope(payload=text(b""), end_of_stream=b"\x00")),
        case("field: payload empty at the end", "accepted", lambda f: f.envelope(payload=text(b""))),
        case(
            "field: payload at its limit", "audio_limit_exceeded", lambda f: f.envelope(payload=_zeros(f, 0)), weight=1
        ),
        case(
            "field: payload over its limit", "payload_too_large", lambda f: f.envelope(payload=_zeros(f, 1)), weight=1
        ),
        case("field: language", "invalid_field", lambda f: f.envelope(language_hint=number(1) + text(_language(f)))),
        case(
            "field: language nobody knows",
            "accepted",
            lambda f: f.envelope(language_hint=number(1) + text("xx-Zzzz-QQ")),
        ),
    ]


def _with_id(forge: Forge, value: str) -> Envelope:
    return forge.envelope(**{forge.rng.choice(_IDS): text(value)})


def _longest_ids(forge: Forge) -> Envelope:
    longest = forge.settings.contracts.max_id_chars
    stream = forge.new_stream().ljust(longest, "\u6f22")
    others = {name: text("\U0001f600" * longest) for name in _IDS if name != "stream_id"}
    return forge.envelope(stream, **others)


def _extreme(forge: Forge) -> int:
    return forge.rng.choice(
        [LEAST_LONG, GREATEST_LONG, 0, -1, -62_135_596_800_000, 253_402_300_799_999, _ms(2000) - 1, _ms(2100)]
    )


def _rate(forge: Forge) -> int:
    audio = forge.settings.audio
    beyond = [audio.min_sample_rate_hz - 1, audio.max_sample_rate_hz + 1]
    return forge.rng.choice([*beyond, 0, -1, 1, 768_001, -(1 << 31), (1 << 31) - 1])


def _channels(forge: Forge) -> int:
    return forge.rng.choice([forge.settings.audio.max_channels + 1, 0, -1, 255, 256, -(1 << 31), (1 << 31) - 1])


def _zeros(forge: Forge, extra: int) -> bytes:
    return text(bytes(forge.settings.audio.max_payload_bytes + extra))


def _language(forge: Forge) -> str:
    return forge.rng.choice(
        ["", "e", "english language", "en_US", "a" * 2000, "en" + "-a" * 500, "\u0435\u043d", "../en"]
    )


def _ms(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000)
