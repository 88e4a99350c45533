import numpy as np
import pytest

from moderation.audio.limits import StreamFormat
from moderation.audio.pcm import PcmDecoder, alaw_values, mulaw_values
from moderation.errors import DeadLetterCode, InvalidMessage
from moderation.events import AudioEncoding
from moderation.settings import AudioSettings


def decoder(encoding: AudioEncoding, channels: int = 1, rate: int = 16_000) -> PcmDecoder:
    return PcmDecoder(StreamFormat(encoding=encoding, sample_rate_hz=rate, channels=channels), AudioSettings())


def test_the_largest_and_smallest_16_bit_samples_stay_within_range() -> None:
    payload = np.array([32_767, -32_768, 0], "<i2").tobytes()
    assert decoder(AudioEncoding.PCM_S16LE).decode(payload).tolist() == [32_767 / 32_768, -1.0, 0.0]


def test_stereo_is_mixed_to_the_mean_of_its_channels() -> None:
    payload = np.array([1000, 3000, -500, 500], "<i2").tobytes()
    assert (decoder(AudioEncoding.PCM_S16LE, channels=2).decode(payload) * 32_768).tolist() == [2000.0, 0.0]


def test_float_samples_beyond_range_are_clipped() -> None:
    payload = np.array([1.5, -3e30, 0.25], "<f4").tobytes()
    assert decoder(AudioEncoding.PCM_F32LE).decode(payload).tolist() == [1.0, -1.0, 0.25]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_float_samples_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(InvalidMessage) as refusal:
        decoder(AudioEncoding.PCM_F32LE).decode(np.array([0.0, value], "<f4").tobytes())
    assert refusal.value.code is DeadLetterCode.UNDECODABLE_AUDIO


@pytest.mark.parametrize(
    ("encoding", "channels", "length"),
    [(AudioEncoding.PCM_S16LE, 1, 3), (AudioEncoding.PCM_S16LE, 2, 6), (AudioEncoding.PCM_F32LE, 1, 5)],
)
def test_a_payload_that_splits_a_sample_is_refused(encoding: AudioEncoding, channels: int, length: int) -> None:
    with pytest.raises(InvalidMessage, match="not whole samples") as refusal:
        decoder(encoding, channels).decode(bytes(length))
    assert refusal.value.code is DeadLetterCode.UNDECODABLE_AUDIO


def test_more_audio_than_a_chunk_may_hold_is_refused() -> None:
    limit_samples = 16_000 * AudioSettings().max_chunk_ms // 1000
    pcm = decoder(AudioEncoding.PCM_S16LE)
    assert len(pcm.decode(bytes(2 * limit_samples))) == limit_samples
    with pytest.raises(InvalidMessage) as refusal:
        pcm.decode(bytes(2 * limit_samples + 2))
    assert refusal.value.code is DeadLetterCode.AUDIO_LIMIT_EXCEEDED


def test_mulaw_follows_the_corner_values_of_g711() -> None:
    values = mulaw_values()
    assert [int(values[code]) for code in (0x00, 0x7F, 0x80, 0xFF, 0xF0)] == [-32_124, 0, 32_124, 0, 120]


def test_alaw_follows_the_corner_values_of_g711() -> None:
    values = alaw_values()
    assert [int(values[code]) for code in (0xD5, 0x55, 0xAA, 0x2A, 0xC5)] == [8, -8, 32_256, -32_256, 264]
