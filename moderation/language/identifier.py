"""What identifies languages, from audio and from text."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt


class AudioLanguageModel(Protocol):
    """Something that hears which language is spoken (an ASR model that can; bootstrap wires it in). Thread-safe."""

    @property
    def source(self) -> str:
        """Model id and version."""
        ...

    def language_probabilities(self, samples: npt.NDArray[np.float32]) -> Mapping[str, float]:
        """Probability of each language (primary BCP-47 tags) in mono 16 kHz audio, shape (n,). Blocks."""
        ...


class TextLanguageModel(Protocol):
    """Something that reads which language a text is in. Thread-safe."""

    @property
    def source(self) -> str:
        """Model id and version."""
        ...

    def language_probabilities(self, text: str) -> Mapping[str, float]:
        """Probability of each candidate language; sums to 1."""
        ...
