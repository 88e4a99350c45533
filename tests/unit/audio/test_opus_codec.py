"""Both ways to libopus."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from support.audio import encoded_chunks, voiced

from moderation.audio import opus_codec
from moderation.audio.opus import OPUS_RATE_HZ, OpusPacketDecoder, packet_samples, split_packets
from moderation.audio.opus_codec import FfmpegCodec, LibopusCodec, PacketCodec, codec_name, load_libopus, open_codec
from moderation.audio.resample import Resampler
from moderation.audio.utterance import Samples
from moderation.events import AudioEncoding
from moderation.settings import AudioSettings

PACKETS = [
    packet
    for chunk in encoded_chunks(voiced(2, rate=48_000), AudioEncoding.OPUS, 48_000)
    for packet in split_packets(chunk.payload, 100)
]


def direct() -> LibopusCodec:
    library = load_libopus()
    assert library is not None
    return LibopusCodec(library)


@pytest.fixture(params=[direct, FfmpegCodec])
def codec(request: pytest.FixtureRequest) -> PacketCodec:
    made: Callable[[], PacketCodec] = request.param
    return made()


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    load_libopus.cache_clear()
    monkeypatch.setattr(opus_codec, "_places", lambda: iter(["/nowhere/libopus.so"]))
    yield
    load_libopus.cache_clear()


def heard(codec: PacketCodec) -> Samples:
    parts = [np.zeros(packet_samples(packet) * codec.rate_hz // OPUS_RATE_HZ, np.int16) for packet in PACKETS]
    for packet, part in zip(PACKETS, parts, strict=True):
        codec.decode(packet, part)
    resampler = Resampler(codec.rate_hz)
    samples = np.concatenate(parts).astype(np.float32) / np.float32(32_768)
    return np.concatenate((resampler.push(samples), resampler.flush()))


def test_the_library_that_pyav_brings_is_found() -> None:
    assert isinstance(open_codec(), LibopusCodec)
    assert "libopus" in codec_name()
    assert "16 kHz" in codec_name()


def test_both_ways_hear_the_same() -> None:
    one, other = heard(direct()), heard(FfmpegCodec())
    assert len(one) == len(other)
    # One of them is 0.7 samples late: spectra tell no delay.
    spectrum, expected = np.abs(np.fft.rfft(one)), np.abs(np.fft.rfft(other))
    assert np.linalg.norm(spectrum - expected) < 0.02 * np.linalg.norm(expected)


def test_a_packet_of_another_length_is_refused(codec: PacketCodec) -> None:
    (length,) = {packet_samples(packet) * codec.rate_hz // OPUS_RATE_HZ for packet in PACKETS}
    for wrong in (length // 2, length * 2):
        with pytest.raises(ValueError, match="samples"):
            codec.decode(PACKETS[0], np.zeros(wrong, np.int16))


def test_what_is_no_packet_is_refused(codec: PacketCodec) -> None:
    with pytest.raises(ValueError, match=r"samples|cannot decode"):
        codec.decode(b"\xff\xff", np.zeros(960, np.int16))


@pytest.mark.usefixtures("no_library")
def test_without_the_library_ffmpeg_decodes_and_it_is_said() -> None:
    decoder = OpusPacketDecoder(AudioSettings())
    framed = b"".join(len(packet).to_bytes(2, "big") + packet for packet in PACKETS[:10])
    assert len(decoder.decode(framed)) == sum(map(packet_samples, PACKETS[:10]))
    assert decoder.output_rate_hz == OPUS_RATE_HZ
    assert codec_name() == "FFmpeg, 48 kHz"
