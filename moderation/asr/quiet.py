"""Where audio is quiet enough to be cut."""

import numpy as np

from moderation.asr.engine import Samples
from moderation.asr.recognition import SAMPLE_RATE_HZ

_STEP = SAMPLE_RATE_HZ // 10


def quietest_place(samples: Samples, start: int, end: int) -> int:
    """The middle of the quietest 100 ms of samples [start, end), the last of them where several are as quiet.

    `start` where less than 100 ms lie between.
    """
    searched = samples[start:end]
    steps = searched[: len(searched) // _STEP * _STEP].reshape(-1, _STEP)
    if not len(steps):
        return start
    energies = np.square(steps, dtype=np.float64).sum(axis=1)
    quietest = len(energies) - 1 - int(energies[::-1].argmin())
    return start + quietest * _STEP + _STEP // 2
