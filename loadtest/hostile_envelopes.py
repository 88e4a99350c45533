"""Keys, headers and timestamps that no honest producer sends, around chunks that are valid."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from loadtest.hostile_forge import Case, Envelope, Forge, case, number, text

Headers = tuple[tuple[str, bytes | None], ...]

REPLAY_OF = "moderation-replay-of"
"""What marks a dead letter that is sent again (`moderation dead-letters replay`)."""

FORGED: tuple[Headers, ...] = (
    (("ce_id", b"00000000-0000-0000-0000-000000000000"), ("ce_type", b"voice.moderation.ModerationFlag.v1")),
    (("ce_specversion", b"9.9"), ("ce_time", b"yesterday"), ("content-type", b"text/html")),
    (("__connect.errors.topic", b"elsewhere"), ("__connect.errors.offset", b"-1")),
    (("__connect.errors.exception.class.name", b"\xff\xfe"), ("__connect.errors.partition", b"NaN")),
)
"""Headers that only this system writes, with contents that it never writes."""


def envelope_cases(neighbours: Sequence[str]) -> list[Case]:
    """Every case of this kind. `neighbours` are stream ids that honest producers use at the same time."""
    return [
        case("key: none", "key_mismatch", lambda f: _keyed(f, None)),
        case("key: empty", "key_mismatch", lambda f: _keyed(f, b"")),
        case("key: another stream's", "key_mismatch", lambda f: _keyed(f, f.new_stream().encode())),
        case("key: not UTF-8", "key_mismatch", lambda f: _keyed(f, b"\xff\xfe\x00" + f.rng.randbytes(8))),
        case("key: 20 kB", "key_mismatch", lambda f: _keyed(f, f.rng.randbytes(20_000)), weight=5),
        *_with_headers("header: none of them has a name", lambda _: (("", b"x"), ("", None), ("", b""))),
        *_with_headers(
            "header: a hundred", lambda f: tuple((f"h{n}", f.rng.randbytes(4)) for n in range(100)), weight=20
        ),
        *_with_headers("header: 20 kB", lambda f: (("h" * 500, f.rng.randbytes(20_000)),), weight=5),
        *_with_headers("header: all named alike", lambda _: (("a", b"1"), ("a", b"2"), ("a", None)) * 5),
        *_with_headers("header: forged", lambda f: f.rng.choice(FORGED)),
        *_with_headers("header: unprintable name", lambda _: (("\x00\r\n\u202e", b"\x00"), ("\U0001f600", b"\xff"))),
        *_with_headers(
            "header: replay of nothing", lambda f: ((REPLAY_OF, f.rng.choice([None, b"", b"\xff", b"x" * 5000])),)
        ),
        *_with_headers("header: replay of a replay", lambda _: ((REPLAY_OF, b"1"), (REPLAY_OF, b"2"))),
        *_with_headers("header: name not UTF-8", lambda _: (("\udcff" * 12, b"x"),)),
        case(
            "record: timestamp",
            "accepted",
            lambda f: replace(f.envelope(), timestamp_ms=f.rng.choice([0, 1, 1 << 47, 1 << 61])),
        ),
        *(
            [
                case(
                    "stream: a neighbour's id, another tenant's",
                    "accepted",
                    lambda f: f.envelope(f.rng.choice(neighbours)),
                )
            ]
            if neighbours
            else []
        ),
    ]


def _with_headers(name: str, headers: Callable[[Forge], Headers], *, weight: int = 50) -> tuple[Case, Case]:
    """The headers on a message that is accepted, and on one that becomes a dead letter, which carries them on."""

    def accepted(forge: Forge) -> Envelope:
        return replace(forge.envelope(), headers=headers(forge))

    def refused(forge: Forge) -> Envelope:
        return replace(forge.envelope(channels=number(0)), headers=headers(forge))

    return (
        case(name, "accepted", accepted, weight=weight),
        case(f"{name}, refused", "invalid_field", refused, weight=weight),
    )


def _keyed(forge: Forge, key: bytes | None) -> Envelope:
    return Envelope(place=str(key), key=key, value=forge.value(forge.fields(payload=text(bytes(64)))))
