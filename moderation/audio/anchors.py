"""Quiet places that depend on the samples around them and on nothing else.

Everything about an utterance must come out the same whatever the chunk boundaries, and again when a replay starts in
mid-stream, where nobody knows how many samples came before. So an utterance cannot start on a grid that counts from the
start of the stream or of a chunk. It starts at a fixed distance before an anchor, and anchors are a property of the
audio: whoever has the samples finds the same ones.

Energies are integers, because sums of floats depend on where summing began.
"""

import numpy as np
import numpy.typing as npt

from moderation.audio.utterance import Samples

ANCHOR_RADIUS = 1024
"""64 ms at 16 kHz: an anchor is the quietest place within this distance. A power of two, see `_sliding_minimum`."""

ENERGY_SAMPLES = 160
"""10 ms at 16 kHz: loudness is measured over this much audio."""

LOOK_BACK = ANCHOR_RADIUS + ENERGY_SAMPLES
"""Samples before a place that decide, together with those after it, whether it is an anchor."""

LOOK_AHEAD = ANCHOR_RADIUS
"""Samples from a place on that decide whether it is an anchor."""

Energies = npt.NDArray[np.int64]


def find_anchors(samples: Samples) -> npt.NDArray[np.intp]:
    """Indices of the anchors in `samples`, ascending, at least ANCHOR_RADIUS + 1 apart.

    An index is judged when LOOK_BACK samples lie before it and LOOK_AHEAD from it on. It is an anchor when no place
    within ANCHOR_RADIUS before it is quieter and every place within ANCHOR_RADIUS after it is louder: at the end of
    digital silence there is one, inside there is none.
    """
    if len(samples) < LOOK_BACK + LOOK_AHEAD:
        return np.zeros(0, np.intp)
    energies = energies_before(samples, ENERGY_SAMPLES)
    minima = _sliding_minimum(energies, ANCHOR_RADIUS)
    count = len(energies) - 2 * ANCHOR_RADIUS
    here = energies[ANCHOR_RADIUS : ANCHOR_RADIUS + count]
    before = minima[:count]
    after = minima[ANCHOR_RADIUS + 1 : ANCHOR_RADIUS + 1 + count]
    return np.flatnonzero((here <= before) & (here < after)) + LOOK_BACK


def quietest_place(samples: Samples, width: int) -> int:
    """The middle of the quietest `width` samples, the first of equals; `width` // 2 or more from both ends."""
    return int(np.argmin(energies_before(samples, width))) + width // 2


def energies_before(samples: Samples, width: int) -> Energies:
    """Energy of each `width` samples in a row: element i covers samples [i, i + width). Exact integers."""
    levels = np.rint(samples * np.float32(32_768)).astype(np.int64)
    sums = np.concatenate((np.zeros(1, np.int64), np.cumsum(levels * levels)))
    energies: Energies = sums[width:] - sums[:-width]
    return energies


def _sliding_minimum(values: Energies, width: int) -> Energies:
    """Element i is the least of values[i : i + width]; `width` is a power of two."""
    reach = 1
    while reach < width:
        values = np.minimum(values[:-reach], values[reach:])
        reach *= 2
    return values
