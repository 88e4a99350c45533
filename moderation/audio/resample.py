"""Any sample rate to 16 kHz, continuously."""

from dataclasses import dataclass
from functools import cache
from math import gcd
from typing import Protocol

import numpy as np
import numpy.typing as npt
import soxr

from moderation.audio.overlapping import overlapping
from moderation.audio.silence import is_silent, silence
from moderation.audio.utterance import SAMPLE_RATE_HZ, Samples

EXACT_RATES_HZ = (8_000, 11_025, 12_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""Where a resampler that starts in mid-stream has, bit for bit, the samples of one that has run all along. All that
devices and codecs use; each keeps a matrix of up to 2.7 MiB, so that the list must not be whatever a stream declares.
At other rates the samples differ by rounding (5e-7 at 9.6 and 40 kHz, 4e-6 at 25,001 Hz)."""

SOXR_QUALITY = "MQ"
"""16-bit quality, flat to 7 kHz."""

PRE_ROLL_MS = 32
"""Longer than the filters reach back at any rate."""

_PASS, _STOP_DB = 0.875, 96.0
"""What is kept of the narrower band, and how far the rest is held down: 7 kHz of 8, and 16 bits."""

_SAMPLE_SCALE, _TAP_SCALE = 2.0**23, 2.0**24
"""Samples and taps become whole numbers, so that sums in float64 are exact and no order of adding changes them: fewer
than 2^23 · 2^24 · 2^3 (the taps' magnitudes sum to less than 8), within the 2^53 that float64 holds."""

_MIN_STEP = 32
"""Outputs to a window at least: what is computed for nothing at the end of a piece against how much windows overlap."""

_ROWS = 64
"""Windows multiplied at a time."""

_FloatArray = npt.NDArray[np.float64]


class _Stream(Protocol):
    def push(self, samples: Samples) -> Samples: ...
    def flush(self) -> Samples: ...


class Resampler:
    """One stream's way to 16 kHz: state carries over, so pieces may be cut anywhere without changing a sample.

    At 16 kHz it passes samples through.
    """

    def __init__(self, input_rate_hz: int) -> None:
        self._stream = _stream_at(input_rate_hz)

    def push(self, samples: Samples) -> Samples:
        """Take samples at the input rate; return those at 16 kHz that are settled, maybe none."""
        if self._stream is None or len(samples) == 0:
            return samples
        return _within_range(self._stream.push(samples))

    def flush(self) -> Samples:
        """The samples still held back. The resampler cannot be used again."""
        return np.zeros(0, np.float32) if self._stream is None else _within_range(self._stream.flush())


@dataclass(frozen=True, slots=True, eq=False)
class _Filter:
    """A linear-phase low-pass filter and the change of rate in one matrix.

    A window of input samples times `taps` (window x outputs) gives the outputs of the window; the next window starts
    `hop` input samples on. An output needs the `reach` input samples before and behind it; the first stands on the
    first input sample.
    """

    taps: _FloatArray
    hop: int
    reach: int

    @property
    def window(self) -> int:
        return len(self.taps)

    @property
    def outputs(self) -> int:
        return int(self.taps.shape[1])

    def outputs_within(self, samples: int) -> int:
        """How many outputs stand before the end of so many input samples."""
        return max(0, -(-samples * self.outputs // self.hop))


class _ExactStream:
    """What is settled depends only on how many samples were taken, so a stream that starts on a step of the filter
    returns what one that has run all along returns, and when."""

    def __init__(self, input_rate_hz: int) -> None:
        self._filter = _filter_at(input_rate_hz)
        self._pending: _FloatArray = np.zeros(self._filter.reach)
        self._is_silent = True
        self._taken = 0
        self._given = 0
        self._window_at = 0

    def push(self, samples: Samples) -> Samples:
        if self._is_silent and is_silent(samples):
            return self._push_silence(len(samples))
        self._pending = np.concatenate((self._pending, np.rint(samples * np.float64(_SAMPLE_SCALE))))
        self._taken += len(samples)
        settled = self._given_until(self._filter.outputs_within(self._taken - self._filter.reach))
        self._is_silent = not self._pending.any()
        return settled

    def _push_silence(self, samples: int) -> Samples:
        """What `push` makes of silence that follows on silence, without computing it."""
        f = self._filter
        self._taken += samples
        before, self._given = self._given, max(self._given, f.outputs_within(self._taken - f.reach))
        whole = (self._given - self._window_at) // f.outputs
        pending = len(self._pending) + samples - whole * f.hop
        if pending != len(self._pending):
            self._pending = np.zeros(pending)
        self._window_at += whole * f.outputs
        return silence(self._given - before)

    def flush(self) -> Samples:
        return self._given_until(self._filter.outputs_within(self._taken))

    def _given_until(self, end: int) -> Samples:
        """The outputs that were not given yet, before `end`. Where input is missing there is silence."""
        if end <= self._given:
            return np.zeros(0, np.float32)
        f = self._filter
        windows = -(-(end - self._window_at) // f.outputs)
        missing = (windows - 1) * f.hop + f.window - len(self._pending)
        audio = np.concatenate((self._pending, np.zeros(missing))) if missing > 0 else self._pending
        outputs = _filtered(audio, windows, f)[self._given - self._window_at : end - self._window_at]
        whole = (end - self._window_at) // f.outputs
        # A view would keep all of what it was cut from for as long as the stream says nothing more.
        self._pending = self._pending[whole * f.hop :].copy()
        self._window_at += whole * f.outputs
        self._given = end
        return outputs.astype(np.float32)


def _filtered(audio: _FloatArray, windows: int, f: _Filter) -> _FloatArray:
    """The outputs of the first windows, one after another."""
    rows = overlapping(audio, window=f.window, hop=f.hop, count=windows)
    # Rows overlap: BLAS needs them one behind the other, and no more of them at a time than a cache holds.
    parts = [np.ascontiguousarray(rows[at : at + _ROWS]) @ f.taps for at in range(0, windows, _ROWS)]
    return np.concatenate(parts).reshape(-1)


class _SoxrStream:
    def __init__(self, input_rate_hz: int) -> None:
        self._soxr = soxr.ResampleStream(input_rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32", quality=SOXR_QUALITY)

    def push(self, samples: Samples) -> Samples:
        return np.asarray(self._soxr.resample_chunk(samples), np.float32)

    def flush(self) -> Samples:
        return np.asarray(self._soxr.resample_chunk(np.zeros(0, np.float32), last=True), np.float32)


def _stream_at(input_rate_hz: int) -> _Stream | None:
    if input_rate_hz == SAMPLE_RATE_HZ:
        return None
    return _ExactStream(input_rate_hz) if input_rate_hz in EXACT_RATES_HZ else _SoxrStream(input_rate_hz)


@cache
def _filter_at(input_rate_hz: int) -> _Filter:
    """Kaiser's window on the ideal low-pass filter. Source: Oppenheim and Schafer, Discrete-Time Signal Processing,
    section 7.6 (length and shape from the width and the attenuation asked for)."""
    up, down = (rate // gcd(input_rate_hz, SAMPLE_RATE_HZ) for rate in (SAMPLE_RATE_HZ, input_rate_hz))
    steps = -(-_MIN_STEP // up)
    outputs, hop = steps * up, steps * down
    band_hz = min(input_rate_hz, SAMPLE_RATE_HZ) / 2
    transition = 2 * np.pi * (1 - _PASS) * band_hz / input_rate_hz
    reach = int(np.ceil((_STOP_DB - 8) / (2.285 * transition) / 2))
    window = (outputs - 1) * down // up + 2 * reach + 1
    # How far each input sample (row) of a window stands from each output (column), in input samples.
    distance = np.arange(window)[:, None] - reach - (np.arange(outputs) * down / up)[None, :]
    cutoff = (1 + _PASS) / 2 * band_hz / input_rate_hz
    shape = np.i0(0.1102 * (_STOP_DB - 8.7) * np.sqrt(np.clip(1 - (distance / reach) ** 2, 0, None)))
    taps = np.where(np.abs(distance) <= reach, 2 * cutoff * np.sinc(2 * cutoff * distance) * shape, 0.0)
    taps /= taps.sum(axis=0)
    return _Filter(np.rint(taps * _TAP_SCALE) / (_TAP_SCALE * _SAMPLE_SCALE), hop=hop, reach=reach)


def _within_range(samples: Samples) -> Samples:
    if samples is silence(len(samples)):
        return samples
    # Steep edges overshoot the range of their input.
    return np.clip(samples, -1.0, 1.0)
