import numpy as np
import pytest

from moderation.audio.resample import Resampler


def sine(rate: int, hz: float = 440.0, seconds: float = 1.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def test_sixteen_kilohertz_passes_through_untouched() -> None:
    samples = sine(16_000)
    resampler = Resampler(16_000)
    assert np.array_equal(resampler.push(samples), samples)
    assert len(resampler.flush()) == 0


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 24_000, 44_100, 47_999, 48_000])
def test_a_tone_keeps_its_pitch_place_and_loudness(rate: int) -> None:
    resampler = Resampler(rate)
    out = np.concatenate([resampler.push(sine(rate)), resampler.flush()])
    assert abs(len(out) - 16_000) <= 1
    inside = slice(800, 15_200)
    assert np.allclose(out[inside], sine(16_000)[inside], atol=2e-3)


def test_what_is_above_eight_kilohertz_does_not_fold_back() -> None:
    resampler = Resampler(48_000)
    out = np.concatenate([resampler.push(sine(48_000, 12_000)), resampler.flush()])
    assert np.abs(out[800:-800]).max() < 1e-3


def test_overshoot_stays_within_range() -> None:
    square = np.sign(sine(48_000, 100)).astype(np.float32)
    assert np.abs(Resampler(48_000).push(square)).max() <= 1.0
