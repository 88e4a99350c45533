import io

import av
import numpy as np
import pytest
from support.audio import voiced

from moderation.audio.container import FileDecoder, frame_to_mono
from moderation.audio.encode import ChunkEncoder
from moderation.audio.limits import StreamFormat
from moderation.errors import DeadLetterCode, InvalidMessage
from moderation.events import AudioEncoding
from moderation.settings import AudioSettings

SDP = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 5004 RTP/AVP 0\r\n"


def decoder(encoding: AudioEncoding, rate: int = 16_000, settings: AudioSettings | None = None) -> FileDecoder:
    stream_format = StreamFormat(encoding=encoding, sample_rate_hz=rate, channels=1)
    return FileDecoder(stream_format, settings or AudioSettings())


def refused_with(file: FileDecoder, payload: bytes) -> DeadLetterCode:
    with pytest.raises(InvalidMessage) as refusal:
        file.decode(payload)
    return refusal.value.code


def flac(samples: np.ndarray, rate: int = 16_000, *, layout: str = "mono") -> bytes:
    """One FLAC file; `samples` are 16-bit, interleaved."""
    file = io.BytesIO()
    with av.open(file, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return file.getvalue()


def ogg_vorbis_header() -> bytes:
    """An Ogg page that announces Vorbis."""
    packet = b"\x01vorbis" + bytes(4) + b"\x01" + (16_000).to_bytes(4, "little") + bytes(12) + b"\xb8\x01"
    page = bytearray(b"OggS\x00\x02" + bytes(8) + (7).to_bytes(4, "little") + bytes(4) + bytes(4) + b"\x01")
    return bytes(page) + bytes([len(packet)]) + packet


@pytest.mark.parametrize("encoding", [AudioEncoding.OGG_OPUS, AudioEncoding.FLAC])
@pytest.mark.parametrize("payload", [SDP, b"OggS", b"fLaC", b"\x00" * 5000, b"RIFF" + bytes(60), ogg_vorbis_header()])
def test_bytes_of_another_kind_are_refused(encoding: AudioEncoding, payload: bytes) -> None:
    code = refused_with(decoder(encoding), payload)
    assert code in (DeadLetterCode.UNDECODABLE_AUDIO, DeadLetterCode.UNSUPPORTED_FORMAT)


def test_a_flac_file_of_silence_cannot_unfold_beyond_the_limit() -> None:
    bomb = flac(np.zeros(48_000 * 60, np.int16), 48_000)
    assert len(bomb) < 48_000 * 60 // 100
    assert refused_with(decoder(AudioEncoding.FLAC, 48_000), bomb) is DeadLetterCode.AUDIO_LIMIT_EXCEEDED


def test_an_ogg_file_longer_than_a_chunk_may_be_is_refused() -> None:
    (long,) = ChunkEncoder(AudioEncoding.OGG_OPUS, 16_000, 3_000).encode(voiced(3))
    assert refused_with(decoder(AudioEncoding.OGG_OPUS), long) is DeadLetterCode.AUDIO_LIMIT_EXCEEDED


def test_a_file_of_more_packets_than_milliseconds_is_refused() -> None:
    (payload,) = ChunkEncoder(AudioEncoding.OGG_OPUS, 16_000, 200).encode(voiced(0.2))
    narrow = decoder(AudioEncoding.OGG_OPUS, settings=AudioSettings(max_chunk_ms=5))
    assert refused_with(narrow, payload) is DeadLetterCode.AUDIO_LIMIT_EXCEEDED


def test_a_flac_file_at_another_rate_than_declared_is_refused() -> None:
    payload = flac(np.zeros(4_800, np.int16), 48_000)
    assert refused_with(decoder(AudioEncoding.FLAC, 16_000), payload) is DeadLetterCode.INVALID_FIELD


def test_a_file_with_too_many_channels_is_refused() -> None:
    payload = flac(np.zeros(6 * 1_600, np.int16), layout="5.1")
    assert refused_with(decoder(AudioEncoding.FLAC), payload) is DeadLetterCode.INVALID_FIELD


def test_stereo_files_are_mixed_to_the_mean_of_their_channels() -> None:
    stereo = np.tile(np.array([8_192, -4_096], np.int16), 1_600)
    decoded = decoder(AudioEncoding.FLAC).decode(flac(stereo, layout="stereo"))
    assert decoded.shape == (1_600,)
    assert np.allclose(decoded, 2_048 / 32_768)


def test_a_file_cut_short_gives_what_it_holds_or_is_refused() -> None:
    (payload,) = ChunkEncoder(AudioEncoding.FLAC, 16_000, 1_000).encode(voiced(1))
    for length in range(0, len(payload), 997):
        try:
            assert len(decoder(AudioEncoding.FLAC).decode(payload[:length])) <= 16_000
        except InvalidMessage as refusal:
            assert refusal.code is DeadLetterCode.UNDECODABLE_AUDIO  # noqa: PT017  either is right


@pytest.mark.parametrize(
    ("sample_format", "values", "expected"),
    [
        ("u8", np.array([[0, 128, 192]], np.uint8), [-1.0, 0.0, 0.5]),
        ("s16", np.array([[-32_768, 0, 16_384]], np.int16), [-1.0, 0.0, 0.5]),
        ("s32", np.array([[-(2**31), 0, 2**30]], np.int32), [-1.0, 0.0, 0.5]),
        ("fltp", np.array([[-2.0, 0.5, np.nan]], np.float32), [-1.0, 0.5, 0.0]),
        ("dbl", np.array([[-1.0, 0.0, 0.5]], np.float64), [-1.0, 0.0, 0.5]),
    ],
)
def test_every_sample_format_becomes_float_in_range(
    sample_format: str, values: np.ndarray, expected: list[float]
) -> None:
    frame = av.AudioFrame.from_ndarray(values, format=sample_format, layout="mono")
    assert frame_to_mono(frame).tolist() == expected
