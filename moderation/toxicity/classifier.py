"""What every toxicity classifier offers."""

from collections.abc import Mapping, Sequence
from typing import Protocol

LABELS = (
    "toxicity",
    "severe_toxicity",
    "obscene",
    "threat",
    "insult",
    "identity_attack",
    "sexual_explicit",
)
"""Detoxify's labels that may drive a flag. Identity-mention labels of some checkpoints (male, female, ...) never do."""


class ToxicityClassifier(Protocol):
    """A loaded model. Thread-safe; calls block."""

    @property
    def source(self) -> str:
        """Model id and version, e.g. `compact-en@1`."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that `score` gives, a subset of LABELS in that order."""
        ...

    @property
    def languages(self) -> frozenset[str]:
        """Primary BCP-47 tags of the languages the model was trained on."""
        ...

    def score(self, texts: Sequence[str]) -> list[Mapping[str, float]]:
        """Score texts in one go; one mapping of label to probability in [0, 1] per text, in order.

        Text longer than the model's window is scored window by window, and the highest score of each label is kept.
        Empty text scores 0.
        """
        ...
