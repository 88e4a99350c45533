"""Noise is what the manifest says it is, and the same every time."""

import numpy as np
import pytest

from moderation.demo import noise

RATE_HZ = 16_000


@pytest.mark.parametrize("make", [noise.hiss, noise.hum, noise.keyboard, noise.music])
def test_noise_has_the_length_asked_for_and_depends_on_its_seed_alone(make):
    first = make(RATE_HZ, RATE_HZ, 1)
    assert first.shape == (RATE_HZ,)
    assert first.dtype == np.float32
    assert np.array_equal(first, make(RATE_HZ, RATE_HZ, 1))
    assert not np.array_equal(first, make(RATE_HZ, RATE_HZ, 2))


def test_babble_is_made_of_the_talkers_it_is_given():
    talker = np.sin(np.arange(RATE_HZ) * 0.1, dtype=np.float32)
    babble = noise.babble(3 * RATE_HZ, [talker], 1)
    assert len(babble) == 3 * RATE_HZ
    assert np.abs(np.fft.rfft(babble)).argmax() == pytest.approx(3 * RATE_HZ * 0.1 / (2 * np.pi), abs=2)


def test_pauses_do_not_count_towards_the_level_of_speech():
    tone = np.sin(np.arange(RATE_HZ) * 0.3, dtype=np.float32)
    padded = np.concatenate([tone, np.zeros(3 * RATE_HZ, np.float32)])
    assert noise.speech_rms(padded, RATE_HZ) == pytest.approx(noise.speech_rms(tone, RATE_HZ), rel=1e-3)


@pytest.mark.parametrize("snr_db", [0.0, 10.0, 20.0])
def test_mixing_gives_the_signal_to_noise_ratio_asked_for(snr_db):
    tone = np.sin(np.arange(RATE_HZ) * 0.3, dtype=np.float32)
    mixed = noise.mix_at_snr(tone, noise.hiss(RATE_HZ, RATE_HZ, 1), snr_db, RATE_HZ)
    assert 20 * np.log10(noise.rms(tone) / noise.rms(mixed - tone)) == pytest.approx(snr_db, abs=0.1)


def test_a_level_is_relative_to_full_scale():
    assert noise.rms(noise.at_level(noise.hum(RATE_HZ, RATE_HZ, 1), -20.0)) == pytest.approx(0.1, rel=1e-3)
