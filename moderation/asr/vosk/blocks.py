"""Audio in blocks of equal length, so that what Vosk hears does not depend on how the audio arrived."""

import numpy as np

from moderation.asr.engine import Samples
from moderation.asr.recognition import SAMPLE_RATE_HZ

BLOCK_SAMPLES = SAMPLE_RATE_HZ // 5
"""200 ms, the step in which Vosk decodes."""

BLOCK_BYTES = BLOCK_SAMPLES * 2


class Blocks:
    """Collects audio and gives it back as 16-bit little-endian PCM, whole blocks at a time."""

    def __init__(self) -> None:
        self._waiting = b""
        self._samples = 0

    @property
    def samples(self) -> int:
        """How many samples have come in."""
        return self._samples

    def push(self, samples: Samples) -> bytes:
        """Take audio; returns the whole blocks that are ready."""
        self._samples += len(samples)
        waiting = self._waiting + pcm16(samples)
        ready = len(waiting) // BLOCK_BYTES * BLOCK_BYTES
        self._waiting = waiting[ready:]
        return waiting[:ready]

    def rest(self) -> bytes:
        """What is left at the end, shorter than a block."""
        rest, self._waiting = self._waiting, b""
        return rest


def pcm16(samples: Samples) -> bytes:
    """16-bit little-endian PCM; samples outside [-1, 1] are clipped."""
    return (np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()
