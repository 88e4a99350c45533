"""Synthesised noise: every kind is a pure function of length, rate and seed, so that clips can be made again."""

import numpy as np
import numpy.typing as npt

Audio = npt.NDArray[np.float32]
"""Mono audio, shape (n,), in [-1, 1]."""

_FRAME_S = 0.02
_QUIET_DB = 35.0


def rms(audio: Audio) -> float:
    """Root mean square level; 0 for no audio."""
    return float(np.sqrt(np.mean(np.square(audio, dtype=np.float64)))) if len(audio) else 0.0


def speech_rms(audio: Audio, rate_hz: int) -> float:
    """Level of speech: the root mean square of the 20 ms frames within 35 dB of the loudest, so pauses do not count."""
    size = int(rate_hz * _FRAME_S)
    frames = audio[: len(audio) // size * size].reshape(-1, size)
    levels = np.sqrt(np.mean(np.square(frames, dtype=np.float64), axis=1))
    loud = levels[levels >= levels.max() * 10 ** (-_QUIET_DB / 20)]
    return float(np.sqrt(np.mean(np.square(loud))))


def at_level(audio: Audio, level_db: float) -> Audio:
    """Scaled to a root mean square of `level_db` relative to full scale."""
    return _f32(audio * (10 ** (level_db / 20) / max(rms(audio), 1e-9)))


def mix_at_snr(speech: Audio, noise: Audio, snr_db: float, rate_hz: int) -> Audio:
    """Speech over noise of at least the same length; see `speech_rms` for what counts as the speech's level."""
    wanted = speech_rms(speech, rate_hz) / 10 ** (snr_db / 20)
    return _f32(speech + noise[: len(speech)] * (wanted / max(rms(noise[: len(speech)]), 1e-9)))


def hiss(length: int, rate_hz: int, seed: int) -> Audio:
    """A fan or a cheap microphone: noise that falls by 3 dB an octave."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(length))
    frequencies = np.fft.rfftfreq(length, 1 / rate_hz)
    return _f32(np.fft.irfft(spectrum / np.sqrt(np.maximum(frequencies, 50.0)), length))


def hum(length: int, rate_hz: int, seed: int) -> Audio:
    """Mains hum: 50 Hz and its harmonics, with random phases."""
    phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, 8)
    t = np.arange(length) / rate_hz
    return _f32(sum(np.sin(2 * np.pi * 50 * (k + 1) * t + phase) / (k + 1) for k, phase in enumerate(phases)))


def keyboard(length: int, rate_hz: int, seed: int) -> Audio:
    """Typing: short bursts of noise, some five a second, each a press and a softer release."""
    random = np.random.default_rng(seed)
    audio = np.zeros(length + rate_hz)
    at = 0.05
    while at * rate_hz < length:
        for delay_s, strength in ((0.0, 1.0), (0.08, 0.4)):
            click = random.standard_normal(int(0.03 * rate_hz)) * np.exp(
                -np.arange(int(0.03 * rate_hz)) / rate_hz / 0.004
            )
            start = int((at + delay_s) * rate_hz)
            audio[start : start + len(click)] += click * strength * random.uniform(0.5, 1.0)
        at += random.uniform(0.09, 0.35)
    return _f32(audio[:length])


def music(length: int, rate_hz: int, seed: int) -> Audio:
    """A plucked tune: decaying notes of a pentatonic scale over a bass, four a second."""
    random = np.random.default_rng(seed)
    scale_hz = 220.0 * 2 ** (np.array([0, 3, 5, 7, 10, 12, 15]) / 12)
    audio = np.zeros(length + 2 * rate_hz)
    for beat in range(int(4 * length / rate_hz) + 1):
        start = int(beat * rate_hz / 4)
        notes = [float(random.choice(scale_hz))] + ([110.0] if beat % 4 == 0 else [])
        for note_hz in notes:
            t = np.arange(rate_hz) / rate_hz
            note = sum(np.sin(2 * np.pi * note_hz * k * t) / k**1.5 for k in range(1, 6)) * np.exp(-t / 0.3)
            audio[start : start + rate_hz] += note
    return _f32(audio[:length])


def babble(length: int, talkers: list[Audio], seed: int) -> Audio:
    """Several people talking at once: each talker's speech, repeated, from a random place on."""
    random = np.random.default_rng(seed)
    audio = np.zeros(length)
    for talker in talkers:
        repeated = np.tile(talker, length // len(talker) + 2)
        start = int(random.integers(len(talker)))
        audio += repeated[start : start + length] / max(rms(talker), 1e-9)
    return _f32(audio / len(talkers))


def _f32(audio: object) -> Audio:
    return np.asarray(audio, dtype=np.float32)
