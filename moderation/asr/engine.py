"""What every speech recognition engine offers: a shared model, and a recogniser per utterance."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from moderation.events import Word

Samples = npt.NDArray[np.float32]
"""Mono audio at 16 kHz, shape (n,), in [-1, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCapabilities:
    """What callers may count on; declared, not probed."""

    partials: bool
    word_times: bool
    word_confidence: bool
    languages: frozenset[str] | None
    """Primary BCP-47 tags the model knows; None means any."""
    interims: bool = False
    """Whether `interim` can be asked. An engine with partials has no need of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """What has been understood so far; may still change."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """The final text of an utterance.

    Word times are milliseconds from the utterance's first sample. When there are words,
    `text == " ".join(word.text for word in words)`. `confidence` is the mean word confidence in [0, 1]; an utterance in
    which nothing was said has empty text and no words.
    """

    text: str
    words: tuple[Word, ...]
    confidence: float
    language: str
    audio_ms: int


class Recognizer(Protocol):
    """One utterance of one stream. Used from one thread at a time; calls block."""

    def accept(self, samples: Samples) -> Partial | None:
        """Take more audio.

        Returns: what is understood so far, where the engine has partials and something changed.
        Raises: EngineCrashed: the engine process died; make a new recogniser and give it all the audio again.
        """
        ...

    def finish(self) -> Recognition:
        """End the utterance. The recogniser cannot be used again.

        Raises: EngineCrashed: as `accept`.
        """
        ...

    def close(self) -> None:
        """Give the utterance up, without a result. Harmless after `finish` and when called twice."""
        ...


class SpeechEngine(Protocol):
    """A loaded model, shared by all streams; thread-safe."""

    @property
    def name(self) -> str:
        """The engine and its model as settings name them, e.g. `whisper:tiny.en`."""
        ...

    @property
    def model_version(self) -> str:
        """Which model files these are, e.g. `tiny.en@0.1.0` or a checksum prefix."""
        ...

    @property
    def capabilities(self) -> EngineCapabilities:
        """What this engine can do."""
        ...

    def recognizer(self, *, stream_id: str, language: str | None) -> Recognizer:
        """Begin an utterance of a stream in a language (None: the model's own, or detected)."""
        ...

    def interim(self, samples: Samples, *, language: str) -> Recognition:
        """What is said in a part of an utterance that goes on. Blocks, at the lowest priority.

        May be less accurate than the utterance's own recognition, and is never made at its expense.
        Raises: InvariantViolation: the engine's capabilities say that it has no interims.
        """
        ...

    def close(self) -> None:
        """Release the model and end its processes. Harmless when called twice."""
        ...
