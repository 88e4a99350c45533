"""One training example."""

from collections.abc import Mapping
from dataclasses import dataclass

from moderation.toxicity.classifier import LABELS


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A text with soft targets.

    `targets` and `weights` follow LABELS. A weight of 0 masks a label that the source says nothing about; weights
    below 1 say how far the source is trusted. `source` names the corpus.
    """

    text: str
    targets: tuple[float, ...]
    weights: tuple[float, ...]
    source: str


def labelled(source: str, text: str, targets: Mapping[str, float], weights: Mapping[str, float] | float = 1.0) -> Row:
    """A row that knows only the labels named in `targets`; `weights` is one number for all of them or one each."""
    unknown = set(targets) - set(LABELS)
    if unknown:
        raise ValueError(f"unknown labels {sorted(unknown)}; known are {', '.join(LABELS)}")
    trust = weights if isinstance(weights, Mapping) else dict.fromkeys(targets, weights)
    return Row(
        text=text,
        targets=tuple(float(targets.get(label, 0.0)) for label in LABELS),
        weights=tuple(float(trust.get(label, 1.0)) if label in targets else 0.0 for label in LABELS),
        source=source,
    )


def benign(source: str, text: str, weight: float = 1.0) -> Row:
    """A row on which every label is known to be absent."""
    return labelled(source, text, dict.fromkeys(LABELS, 0.0), weight)
