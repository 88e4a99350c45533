"""Spectrograms against those of the library that Whisper's users take, of the audio padded with zeros."""

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from moderation.asr.whisper.features import LogMel

RATE_HZ = 16_000


@pytest.mark.parametrize("window_s", [4, 10, 30])
@pytest.mark.parametrize("mels", [80, 128])
@pytest.mark.parametrize("audio", ["none", "a sample", "short", "nearly all", "all but 20 samples", "all", "too much"])
def test_what_is_skipped_does_not_show(window_s: int, mels: int, audio: str) -> None:
    whole = window_s * RATE_HZ
    lengths = {"none": 0, "a sample": 1, "short": 30_001, "nearly all": whole - 200, "all but 20 samples": whole - 20}
    samples = _noise(lengths.get(audio, whole if audio == "all" else whole + 5_000))
    padded = np.zeros(whole, np.float32)
    padded[: len(samples)] = samples[:whole]
    spectrogram = LogMel(mels)(samples, window_s)
    assert spectrogram.shape == (1, mels, window_s * 100)
    assert spectrogram.dtype == np.float32
    assert spectrogram.flags.c_contiguous
    np.testing.assert_allclose(spectrogram[0], FeatureExtractor(feature_size=mels)(padded, padding=0), atol=2e-5)


def test_the_same_audio_gives_the_same_spectrogram_to_the_last_bit() -> None:
    samples = _noise(50_000)
    assert np.array_equal(LogMel(80)(samples, 10), LogMel(80)(samples.copy(), 10))


def _noise(samples: int) -> np.ndarray:
    return (np.random.default_rng(1).standard_normal(samples) * 0.1).astype(np.float32)
