import tracemalloc
from pathlib import Path

import av
import numpy as np
import pytest
from support.audio import s16, voiced

from moderation.audio.encode import ChunkEncoder
from moderation.audio.files import read_audio_file
from moderation.errors import ConfigurationError
from moderation.events import AudioEncoding


def write(path: Path, container_format: str, codec: str, rate: int, samples: np.ndarray) -> Path:
    with av.open(str(path), "w", format=container_format) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        context = stream.codec_context
        to_codec = av.AudioResampler(
            format=context.format, layout="mono", rate=rate, frame_size=context.frame_size or None
        )
        frame = av.AudioFrame.from_ndarray(np.frombuffer(s16(samples), "<i2").reshape(1, -1), "s16", "mono")
        frame.sample_rate = rate
        frame.pts = 0
        for ready in [*to_codec.resample(frame), *to_codec.resample(None)]:
            container.mux(stream.encode(ready))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("suffix", "container_format", "codec", "rate"),
    [
        ("wav", "wav", "pcm_s16le", 16_000),
        ("wav", "wav", "pcm_f32le", 44_100),
        ("aiff", "aiff", "pcm_s16be", 22_050),
        ("flac", "flac", "flac", 48_000),
        ("opus", "ogg", "libopus", 48_000),
        ("mp3", "mp3", "libmp3lame", 44_100),
        ("aac", "adts", "aac", 48_000),
        ("m4a", "mp4", "aac", 48_000),
        ("webm", "webm", "libopus", 48_000),
        ("mkv", "matroska", "flac", 16_000),
    ],
)
def test_every_accepted_kind_is_read_at_sixteen_kilohertz(
    tmp_path: Path, suffix: str, container_format: str, codec: str, rate: int
) -> None:
    path = write(tmp_path / f"voice.{suffix}", container_format, codec, rate, voiced(1.5, rate=rate))
    blocks = list(read_audio_file(path, 100))
    assert {len(block) for block in blocks[:-1]} == {1_600}
    assert abs(sum(map(len, blocks)) - 24_000) < 1_200
    joined = np.concatenate(blocks)
    assert joined.dtype == np.float32
    assert 0.15 < np.abs(joined).max() < 0.5


def test_the_content_decides_and_not_the_name(tmp_path: Path) -> None:
    path = write(tmp_path / "voice.mp3", "flac", "flac", 16_000, voiced(0.5))
    assert sum(map(len, read_audio_file(path))) == 8_000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00",
        b"hello, this is text",
        b"v=0\r\nm=audio 5004 RTP/AVP 0\r\n",
        b"RIFF\x00\x00\x00\x00WAVE",
        b"OggS" + bytes(50),
        b"\x1aE\xdf\xa3" + bytes(50),
        b"\x00\x00\x00\x18ftypM4A " + bytes(50),
        b"fLaC" + bytes(50),
        b"ID3\x04" + bytes(50),
        b"\xff\xfb" + bytes(50),
        b"\xff\xf1" + bytes(50),
    ],
)
def test_what_is_no_audio_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.wav"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"odd\.wav.*Accepted are wav"):
        list(read_audio_file(path))


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.wav: No such file"):
        list(read_audio_file(tmp_path / "gone.wav"))
    with pytest.raises(ConfigurationError, match="Is a directory"):
        list(read_audio_file(tmp_path))


def test_damage_inside_a_file_is_skipped(tmp_path: Path) -> None:
    (payload,) = ChunkEncoder(AudioEncoding.FLAC, 16_000, 2_000).encode(voiced(2))
    damaged = bytearray(payload)
    damaged[len(payload) // 2 : len(payload) // 2 + 40] = bytes(40)
    path = tmp_path / "damaged.flac"
    path.write_bytes(damaged)
    assert 16_000 < sum(map(len, read_audio_file(path))) <= 32_000


def test_a_long_file_is_never_held_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "long.wav", "wav", "pcm_s16le", 16_000, np.tile(voiced(1), 300))
    samples = 0
    tracemalloc.start()
    for block in read_audio_file(path):
        samples += len(block)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert samples == 300 * 16_000
    assert peak_bytes < 4 * samples / 10
