"""Digital silence: most of what muted microphones send."""

from functools import lru_cache

import numpy as np

from moderation.audio.utterance import Samples


@lru_cache(maxsize=16)
def silence(samples: int) -> Samples:
    """So many samples of silence, shared by all who ask: not to be written to."""
    shared = np.zeros(samples, np.float32)
    shared.flags.writeable = False
    return shared


def is_silent(samples: Samples) -> bool:
    """Whether all samples are zero; told at once of what `silence` returned."""
    return samples is silence(len(samples)) or not samples.any()
