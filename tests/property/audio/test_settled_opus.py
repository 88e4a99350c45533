"""Packets that a settled decoder need not decode: what is heard is the same to the last bit."""

from collections.abc import Sequence
from fractions import Fraction
from functools import cache

import av
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.audio import voiced, with_noise

from moderation.audio.opus import OPUS_RATE_HZ, SETTLED_PACKETS, SILENT_FRAME, OpusPacketDecoder, packet_samples
from moderation.audio.opus_codec import open_codec
from moderation.audio.utterance import Samples
from moderation.settings import AudioSettings

SILK, CELT = b"\x68", b"\xf8"
"""Where the mode goes: 20 ms, mono, wideband or fullband."""


@cache
def packets(application: str, bits_per_second: int) -> tuple[bytes, ...]:
    """Half a second of a voice in a room; `audio` at a high rate is CELT, `voip` at a low one SILK."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "s16"
    encoder.time_base, encoder.bit_rate = Fraction(1, 48_000), bits_per_second
    encoder.options = {"application": application, "frame_duration": "20"}
    samples = (with_noise(voiced(0.5, rate=48_000)) * 32_767).astype(np.int16)
    found = []
    for start in range(0, len(samples), 960):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + 960], format="s16", layout="mono")
        frame.sample_rate = 48_000
        found += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(found)


def every_packet_decoded(sent: Sequence[bytes]) -> Samples:
    codec = open_codec()
    parts = [np.empty(packet_samples(packet) * codec.rate_hz // OPUS_RATE_HZ, np.int16) for packet in sent]
    for packet, part in zip(sent, parts, strict=True):
        codec.decode(packet, part)
    return np.concatenate(parts).astype(np.float32) / np.float32(32_768)


SOUNDS = st.sampled_from([("voip", 12_000), ("voip", 24_000), ("audio", 64_000), ("lowdelay", 48_000)])
SPOKEN = st.builds(lambda kind, count: packets(*kind)[:count], SOUNDS, st.integers(1, 20))
SILENT = st.builds(
    lambda mode, count: (mode + SILENT_FRAME,) * count,
    st.sampled_from([SILK, CELT, b"\xfc", b"\x78"]),
    st.integers(1, 4 * SETTLED_PACKETS),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(SPOKEN | SILENT, min_size=1, max_size=8), st.integers(1, 25))
def test_skipping_what_a_settled_decoder_would_say_changes_no_bit(parts: list[tuple[bytes, ...]], a_chunk: int) -> None:
    sent = [packet for part in parts for packet in part]
    decoder = OpusPacketDecoder(AudioSettings())
    heard = []
    for start in range(0, len(sent), a_chunk):
        chunk = sent[start : start + a_chunk]
        heard.append(decoder.decode(b"".join(len(packet).to_bytes(2, "big") + packet for packet in chunk)))
    assert np.array_equal(np.concatenate(heard), every_packet_decoded(sent))
