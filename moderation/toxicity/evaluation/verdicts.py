"""Whether scores mean a flag, and whether there should be one."""

from collections.abc import Mapping

from moderation.toxicity.classifier import LABELS

ABUSE = tuple(label for label in LABELS if label != "obscene")
"""Labels of what is done to people. Swearing alone is not: lists mask it where a platform minds."""

Scores = Mapping[str, float]

_CERTAIN, _DOUBTFUL = 0.8, 0.4


def is_flagged(scores: Scores, thresholds: Mapping[str, float]) -> bool:
    """Whether any label of ABUSE that has a threshold reaches it."""
    return any(scores[label] >= limit for label, limit in thresholds.items() if label in ABUSE and label in scores)


def should_be_flagged(targets: Scores) -> bool | None:
    """What the targets of an utterance ask for; None where people may differ (level 1 of LABELS.md)."""
    return agreed(max(targets.get(label, 0.0) for label in ABUSE))


def agreed(target: float) -> bool | None:
    """Whether everybody would say so of a label with this target; None where people may differ."""
    if target >= _CERTAIN:
        return True
    return None if target >= _DOUBTFUL else False
