"""Payloads of every encoding: random, damaged, cut, and bombs."""

import struct

from loadtest.hostile_forge import Case, Envelope, Forge, case
from loadtest.hostile_samples import packed

_OPUS = "accepted undecodable_audio audio_limit_exceeded"
_FILE = "accepted undecodable_audio audio_limit_exceeded unsupported_format invalid_field"
_SDP = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 5004 RTP/AVP 0\r\n"
_PLAYLIST = b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n"
_ONE_BYTE_PACKET = b"\xf8"
"""20 ms of Opus."""


def audio_cases() -> list[Case]:
    """Every case of this kind."""
    return [
        case("pcm: noise", "accepted", lambda f: f.audio("PCM_S16LE", f.rng.randbytes(2 * f.rng.randint(1, 800)))),
        case("pcm: one sample", "accepted", lambda f: f.audio("PCM_S16LE", b"\x00\x80")),
        case(
            "pcm: half a sample",
            "undecodable_audio",
            lambda f: f.audio("PCM_S16LE", bytes(2 * f.rng.randint(0, 300) + 1)),
        ),
        case(
            "pcm: half a stereo sample",
            "undecodable_audio",
            lambda f: f.audio("PCM_S16LE", bytes(4 * f.rng.randint(0, 300) + 2), channels=2),
        ),
        case(
            "pcm: a moment too long",
            "audio_limit_exceeded",
            lambda f: f.audio("PCM_S16LE", bytes(2 * 8_001), rate_hz=8_000),
            weight=10,
        ),
        case(
            "pcm: longest stereo",
            "accepted",
            lambda f: f.audio("PCM_F32LE", bytes(8 * 48_000), rate_hz=48_000, channels=2),
            weight=1,
        ),
        case(
            "float: not a number",
            "undecodable_audio",
            lambda f: f.audio("PCM_F32LE", _floats(f, [float("nan"), float("inf"), float("-inf")])),
        ),
        case("float: huge", "accepted", lambda f: f.audio("PCM_F32LE", _floats(f, [3.4e38, -3.4e38, 1e-45, 0.0]))),
        case(
            "float: random bytes",
            "accepted undecodable_audio",
            lambda f: f.audio("PCM_F32LE", f.rng.randbytes(4 * f.rng.randint(1, 200))),
        ),
        case(
            "mulaw: random bytes",
            "accepted",
            lambda f: f.audio("MULAW", f.rng.randbytes(f.rng.randint(1, 800)), rate_hz=8_000),
        ),
        case(
            "alaw: random bytes",
            "accepted",
            lambda f: f.audio("ALAW", f.rng.randbytes(f.rng.randint(1, 800)), rate_hz=8_000),
        ),
        case(
            "mulaw: too long",
            "audio_limit_exceeded",
            lambda f: f.audio("MULAW", bytes(8_001), rate_hz=8_000),
            weight=10,
        ),
        case("opus: random bytes", _OPUS, lambda f: f.audio("OPUS", f.rng.randbytes(f.rng.randint(1, 600)))),
        case("opus: random packets", _OPUS, _random_packets, weight=200),
        case("opus: damaged", _OPUS, lambda f: f.audio("OPUS", damaged(f, f.samples.opus)), weight=200),
        case("opus: truncated", "undecodable_audio", lambda f: f.audio("OPUS", f.samples.opus[:-1])),
        case(
            "opus: empty packet",
            "undecodable_audio",
            lambda f: f.audio("OPUS", f.samples.opus + b"\x00\x00" + f.samples.opus),
        ),
        case(
            "opus: a thousand packets of a byte",
            "audio_limit_exceeded",
            lambda f: f.audio("OPUS", packed(_ONE_BYTE_PACKET, 1000)),
            weight=50,
        ),
        case(
            "opus: more than a second", "audio_limit_exceeded", lambda f: f.audio("OPUS", packed(_ONE_BYTE_PACKET, 51))
        ),
        case("opus: 63 frames in a packet", "undecodable_audio", lambda f: f.audio("OPUS", packed(b"\xfb\x3f", 1))),
        case(
            "opus: the longest packet",
            _OPUS,
            lambda f: f.audio("OPUS", packed(b"\xfb\x01" + f.rng.randbytes(60_000), 1)),
            weight=3,
        ),
        case(
            "ogg: random bytes",
            "undecodable_audio",
            lambda f: f.audio("OGG_OPUS", f.rng.randbytes(f.rng.randint(1, 800))),
        ),
        case("ogg: damaged", _FILE, lambda f: f.audio("OGG_OPUS", damaged(f, f.samples.ogg_opus)), weight=200),
        case("ogg: truncated", _FILE, lambda f: f.audio("OGG_OPUS", _cut(f, f.samples.ogg_opus))),
        case(
            "ogg: another codec",
            "unsupported_format undecodable_audio",
            lambda f: f.audio("OGG_OPUS", f.samples.ogg_of_speex),
            weight=20,
        ),
        case(
            "ogg: a minute of silence",
            "audio_limit_exceeded",
            lambda f: f.audio("OGG_OPUS", f.samples.ogg_bomb),
            weight=5,
        ),
        case("ogg: twice", _FILE, lambda f: f.audio("OGG_OPUS", f.samples.ogg_opus * 2)),
        case(
            "ogg: not Ogg",
            "undecodable_audio unsupported_format",
            lambda f: f.audio("OGG_OPUS", f.rng.choice([_SDP, _PLAYLIST, b"RIFF" + bytes(40), f.samples.flac])),
        ),
        case(
            "flac: random bytes", "undecodable_audio", lambda f: f.audio("FLAC", f.rng.randbytes(f.rng.randint(1, 800)))
        ),
        case("flac: damaged", _FILE, lambda f: f.audio("FLAC", damaged(f, f.samples.flac)), weight=100),
        case("flac: truncated", _FILE, lambda f: f.audio("FLAC", _cut(f, f.samples.flac))),
        case(
            "flac: a minute of silence",
            "audio_limit_exceeded",
            lambda f: f.audio("FLAC", f.samples.flac_bomb),
            weight=5,
        ),
        case(
            "flac: another rate", "invalid_field", lambda f: f.audio("FLAC", f.samples.flac, rate_hz=48_000), weight=20
        ),
        case("flac: huge picture", _FILE, lambda f: f.audio("FLAC", b"fLaC\x06\xff\xff\xff" + bytes(500))),
        case(
            "flac: not FLAC",
            "undecodable_audio unsupported_format",
            lambda f: f.audio("FLAC", f.rng.choice([_SDP, _PLAYLIST, f.samples.ogg_opus])),
        ),
    ]


def damaged(forge: Forge, payload: bytes) -> bytes:
    """The payload with some of its bytes replaced."""
    out = bytearray(payload)
    for _ in range(forge.rng.randint(1, 12)):
        out[forge.rng.randrange(len(out))] = forge.rng.randrange(256)
    return bytes(out)


def _cut(forge: Forge, payload: bytes) -> bytes:
    return payload[: forge.rng.randint(1, len(payload) - 1)]


def _floats(forge: Forge, values: list[float]) -> bytes:
    return b"".join(struct.pack("<f", value) for value in forge.rng.choices(values, k=80))


def _random_packets(forge: Forge) -> Envelope:
    packets = [forge.rng.randbytes(forge.rng.randint(1, 120)) for _ in range(forge.rng.randint(1, 8))]
    return forge.audio("OPUS", b"".join(packed(packet, 1) for packet in packets))
