import pytest

from moderation.audio.opus import OpusPacketDecoder, packet_samples, split_packets
from moderation.errors import DeadLetterCode, InvalidMessage
from moderation.settings import AudioSettings


def framed(*packets: bytes) -> bytes:
    return b"".join(len(packet).to_bytes(2, "big") + packet for packet in packets)


def refused_with(payload: bytes, settings: AudioSettings | None = None) -> DeadLetterCode:
    with pytest.raises(InvalidMessage) as refusal:
        OpusPacketDecoder(settings or AudioSettings()).decode(payload)
    return refusal.value.code


def test_packets_are_split_by_their_lengths() -> None:
    assert list(split_packets(framed(b"abc", b"d"), 10)) == [b"abc", b"d"]


@pytest.mark.parametrize("payload", [b"\x00", b"\x00\x05abcd", b"\x00\x01a\x00", b"\xff\xff"])
def test_a_packet_that_goes_beyond_the_payload_is_refused(payload: bytes) -> None:
    assert refused_with(payload) is DeadLetterCode.UNDECODABLE_AUDIO


def test_an_empty_packet_is_refused_because_it_would_end_the_stream() -> None:
    assert refused_with(framed(b"\x08", b"")) is DeadLetterCode.UNDECODABLE_AUDIO


@pytest.mark.parametrize(
    ("packet", "milliseconds"),
    [
        (b"\x00", 10),  # SILK narrowband, one frame
        (b"\x18", 60),
        (b"\x60", 10),  # hybrid
        (b"\x80", 2.5),  # CELT
        (b"\x98ab", 20),
        (b"\x99ab", 40),  # two frames
        (b"\x9b\x06", 120),  # a counted number of frames
    ],
)
def test_the_header_tells_the_duration_of_a_packet(packet: bytes, milliseconds: float) -> None:
    assert packet_samples(packet) == milliseconds * 48


@pytest.mark.parametrize("packet", [b"\x9b", b"\x9b\x00", b"\x9b\x07", b"\x1b\x03"])
def test_a_packet_without_frames_or_beyond_120_ms_is_refused(packet: bytes) -> None:
    assert refused_with(framed(packet)) is DeadLetterCode.UNDECODABLE_AUDIO


def test_many_tiny_packets_cannot_make_more_audio_than_a_chunk_may_hold() -> None:
    settings = AudioSettings(max_chunk_ms=1000)
    decoder = OpusPacketDecoder(settings)
    assert len(decoder.decode(framed(*[b"\x18"] * 16))) * 1000 == 960 * decoder.output_rate_hz
    assert refused_with(framed(*[b"\x18"] * 17), settings) is DeadLetterCode.AUDIO_LIMIT_EXCEEDED


def test_more_packets_than_a_chunk_may_hold_are_refused() -> None:
    settings = AudioSettings(max_opus_packets=3)
    assert refused_with(framed(*[b"\x80"] * 4), settings) is DeadLetterCode.AUDIO_LIMIT_EXCEEDED


def test_bytes_that_libopus_refuses_are_refused() -> None:
    assert refused_with(framed(b"\xff\xff")) is DeadLetterCode.UNDECODABLE_AUDIO
