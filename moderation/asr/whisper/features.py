"""Log-mel spectrograms as Whisper was trained on them, computed only where there is audio.

A window is mostly silence for a short utterance, and the spectrum of digital silence is known beforehand. What remains
is exactly what `faster_whisper.feature_extractor` computes of the audio followed by zeros, but for rounding. Source of
the method: Radford et al. 2022, arXiv:2212.04356, section 2.2.
"""

import math

import numpy as np
import numpy.typing as npt
from faster_whisper.feature_extractor import FeatureExtractor

from moderation.asr.engine import Samples
from moderation.asr.recognition import SAMPLE_RATE_HZ

FRAME_SAMPLES = 400
"""25 ms: the audio that one frame looks at, centred on the frame's place."""
HOP_SAMPLES = 160
"""10 ms from frame to frame."""
FRAMES_PER_S = SAMPLE_RATE_HZ // HOP_SAMPLES

_MARGIN = FRAME_SAMPLES // 2
_LEAST_POWER = 1e-10
_DYNAMIC_RANGE = 8.0
"""In powers of ten: what is weaker than the loudest by more counts as that much weaker."""


class LogMel:
    """Computes spectrograms with a number of mel bands; thread-safe."""

    def __init__(self, mels: int) -> None:
        filters = FeatureExtractor.get_mel_filters(SAMPLE_RATE_HZ, FRAME_SAMPLES, n_mels=mels)
        self._filters = filters.astype(np.float32)
        self._taper = np.hanning(FRAME_SAMPLES + 1)[:-1].astype(np.float32)

    def __call__(self, samples: Samples, window_s: float) -> npt.NDArray[np.float32]:
        """The spectrogram of the audio in a window of so many seconds, followed by digital silence where it is shorter.

        Returns shape (1, mels, 100 * window_s), C-contiguous. Audio beyond the window is left out.
        """
        frames = round(window_s * FRAMES_PER_S)
        samples = samples[: frames * HOP_SAMPLES]
        heard = min(frames, math.ceil((len(samples) + _MARGIN) / HOP_SAMPLES))
        seen = _with_margins(samples, heard, is_all=heard == frames)
        bands = np.log10(np.maximum(self._filters @ self._power(seen), _LEAST_POWER))
        least = max(float(bands.max(initial=math.log10(_LEAST_POWER))) - _DYNAMIC_RANGE, math.log10(_LEAST_POWER))
        spectrogram = np.full((1, len(self._filters), frames), (least + 4) / 4, dtype=np.float32)
        spectrogram[0, :, :heard] = (np.maximum(bands, least) + 4) / 4
        return spectrogram

    def _power(self, seen: Samples) -> npt.NDArray[np.float32]:
        """The power spectrum of each frame, shape (201, frames)."""
        places = np.lib.stride_tricks.sliding_window_view(seen, FRAME_SAMPLES)[::HOP_SAMPLES]
        spectrum = np.fft.rfft(places * self._taper)
        return np.ascontiguousarray((np.square(spectrum.real) + np.square(spectrum.imag)).T)


def _with_margins(samples: Samples, frames: int, *, is_all: bool) -> Samples:
    """What the first frames look at: the audio, mirrored before its start and, where they are all, behind the end."""
    end = _MARGIN + frames * HOP_SAMPLES
    seen = np.zeros(end - HOP_SAMPLES + _MARGIN, dtype=np.float32)
    seen[_MARGIN : _MARGIN + len(samples)] = samples[: len(seen) - _MARGIN]
    seen[:_MARGIN] = seen[2 * _MARGIN : _MARGIN : -1]
    if is_all:
        beyond = len(seen) - end
        seen[end:] = seen[end - 2 : end - 2 - beyond : -1]
    return seen
