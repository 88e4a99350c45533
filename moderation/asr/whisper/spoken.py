"""What a decoding said, and where the decoder looked while it did."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from moderation.asr.whisper.encoding import Array


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """What was decoded.

    `tokens` ends with the end of the text, unless the limit was reached before; `probabilities` has one entry for each.
    `queries` (heads, tokens, width of a head) and `keys` (heads, width of a head, positions) are what the heads that
    know when a token was said asked, and whom.
    """

    tokens: tuple[int, ...] = field(repr=False)
    probabilities: Array = field(repr=False)
    no_speech_probability: float
    queries: Array = field(repr=False)
    keys: Array = field(repr=False)

    def attention(self, rows: Sequence[int], positions: int) -> Array:
        """How much the saying of some tokens looked at each of the first positions: (heads, rows, positions)."""
        asked = self.queries[:, list(rows)] @ self.keys[:, :, :positions]
        weighed = np.exp(asked - asked.max(axis=-1, keepdims=True))
        weighed /= weighed.sum(axis=-1, keepdims=True)
        return np.asarray(weighed)
