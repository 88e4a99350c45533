"""What an encoder made of a window of audio."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """`output` has shape (1, positions, width), `emphasis` (positions,).

    Positions follow one another, 20 ms each; behind the audio and some of the silence that follows on it, each may
    stand for more of the silence: for as many positions as its emphasis is the logarithm of. `audio_samples` is how
    much of the window was audio.
    """

    output: Array = field(repr=False)
    audio_samples: int
    emphasis: Array | None = field(default=None, repr=False)

    @property
    def counts(self) -> Array:
        """The emphasis of every position, shape (positions,)."""
        return np.zeros(self.output.shape[1], dtype=np.float32) if self.emphasis is None else self.emphasis
