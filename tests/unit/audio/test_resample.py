import tracemalloc
from collections.abc import Iterable

import numpy as np
import pytest

from moderation.audio.resample import EXACT_RATES_HZ, PRE_ROLL_MS, Resampler
from moderation.audio.utterance import Samples


def sine(rate: int, hz: float = 440.0, seconds: float = 1.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def noise(rate: int, seconds: float = 1.0) -> Samples:
    return np.random.default_rng(rate).uniform(-1, 1, int(rate * seconds)).astype(np.float32)


def resampled(rate: int, pieces: Iterable[Samples]) -> list[Samples]:
    resampler = Resampler(rate)
    return [*map(resampler.push, pieces), resampler.flush()]


def test_sixteen_kilohertz_passes_through_untouched() -> None:
    samples = sine(16_000)
    resampler = Resampler(16_000)
    assert np.array_equal(resampler.push(samples), samples)
    assert len(resampler.flush()) == 0


@pytest.mark.parametrize("rate", [*EXACT_RATES_HZ, 9_600, 47_999])
def test_a_tone_keeps_its_pitch_place_and_loudness(rate: int) -> None:
    resampler = Resampler(rate)
    out = np.concatenate([resampler.push(sine(rate)), resampler.flush()])
    assert abs(len(out) - 16_000) <= 1
    inside = slice(800, 15_200)
    assert np.allclose(out[inside], sine(16_000)[inside], atol=2e-3)


@pytest.mark.parametrize("rate", [rate for rate in EXACT_RATES_HZ if rate > 16_000])
def test_what_is_above_eight_kilohertz_does_not_fold_back(rate: int) -> None:
    for hz in (8_010, 9_000, 10_900):
        out = np.concatenate(resampled(rate, [sine(rate, hz)]))
        assert np.abs(out[800:-800]).max() < 2e-5


@pytest.mark.parametrize("rate", [8_000, 11_025, 12_000])
def test_the_band_above_that_of_the_input_stays_empty(rate: int) -> None:
    out = np.concatenate(resampled(rate, [sine(rate, 1_000)]))[800:-800]
    spectrum = np.abs(np.fft.rfft(out * np.hanning(len(out)))) / (len(out) / 4)
    above = np.fft.rfftfreq(len(out), 1 / 16_000) > rate / 2
    assert spectrum[above].max() < 2e-5


@pytest.mark.parametrize("rate", [*EXACT_RATES_HZ, 9_600])
def test_silence_that_is_not_computed_is_what_would_be_computed(rate: int) -> None:
    quiet = np.zeros(rate // 3, np.float32)
    samples = np.concatenate([quiet, noise(rate)[: rate // 7], quiet, quiet, noise(rate)[: rate // 11], quiet])
    for seed in range(8):
        cuts = np.cumsum(np.random.default_rng(seed).integers(1, rate // 6, 20))
        computed = np.concatenate(resampled(rate, [samples]))
        assert np.array_equal(np.concatenate(resampled(rate, np.split(samples, cuts))), computed)


@pytest.mark.parametrize("rate", [*EXACT_RATES_HZ, 9_600, 47_999])
def test_pieces_may_be_cut_anywhere(rate: int) -> None:
    samples = noise(rate)
    cuts = np.cumsum(np.random.default_rng(1).integers(1, rate // 20, 60))
    whole = np.concatenate(resampled(rate, [samples]))
    assert np.array_equal(np.concatenate(resampled(rate, np.split(samples, cuts))), whole)


@pytest.mark.parametrize("rate", EXACT_RATES_HZ)
def test_a_start_in_mid_stream_gives_the_very_same_samples_at_the_very_same_time(rate: int) -> None:
    pieces = np.split(noise(rate, 1.2), range(rate // 25, int(rate * 1.2), rate // 25))
    from_start, from_middle = resampled(rate, pieces), resampled(rate, pieces[10:])
    assert [len(piece) for piece in from_middle[1:]] == [len(piece) for piece in from_start[11:]]
    settled = 16 * PRE_ROLL_MS
    expected = np.concatenate(from_start)[-(len(np.concatenate(from_middle)) - settled) :]
    assert np.array_equal(np.concatenate(from_middle)[settled:], expected)


@pytest.mark.parametrize("rate", [9_600, 40_000])
def test_at_other_rates_a_start_in_mid_stream_differs_by_rounding(rate: int) -> None:
    samples = noise(rate, 2.0)
    from_middle = np.concatenate(resampled(rate, [samples[rate:]]))[16 * PRE_ROLL_MS :]
    expected = np.concatenate(resampled(rate, [samples]))[-len(from_middle) :]
    assert np.abs(from_middle - expected).max() < 1e-6


def test_overshoot_stays_within_range() -> None:
    square = np.sign(sine(48_000, 100)).astype(np.float32)
    assert np.abs(Resampler(48_000).push(square)).max() <= 1.0


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_a_stream_that_waits_keeps_little_of_what_it_was_given(rate: int) -> None:
    resamplers = [Resampler(rate) for _ in range(20)]
    piece = noise(rate, 0.2)
    resamplers[0].push(piece)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for resampler in resamplers:
        resampler.push(piece)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (kept - before) / len(resamplers) < 8 * 1024


def test_silence_of_any_length_is_silence() -> None:
    resampler = Resampler(48_000)
    for seconds in (0.2, 1.0, 3.0):
        given = resampler.push(np.zeros(int(48_000 * seconds), np.float32))
        assert given.dtype == np.float32
        assert abs(len(given) - 16_000 * seconds) <= 160
        assert not given.any()
