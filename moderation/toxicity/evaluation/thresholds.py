"""Thresholds that keep false alarms on benign talk to a stated rate."""

from collections.abc import Mapping, Sequence

from moderation.toxicity.evaluation.verdicts import Scores
from moderation.toxicity.measures import threshold_at

RATES = (0.01, 0.003, 0.001)
"""False-positive rates on benign talk that thresholds are recommended for."""

LEAST_THRESHOLD = 0.5

GAME = "crd3_dnd_transcripts"
HARD = "harmless_templates"


def recommended_thresholds(
    benign: Mapping[str, Sequence[Scores]], labels: Sequence[str]
) -> dict[str, dict[str, float]]:
    """label -> false-positive rate -> threshold that keeps to that rate on every kind of benign talk.

    Harmless contrast templates were chosen to be hard, and count a tenth. The game transcripts taunt and swear in play,
    so part of what they lose to toxicity and insult is right: those count a third, and obscene is not bounded by them.
    """
    return {
        label: {str(rate): round(max(LEAST_THRESHOLD, *_bounds(benign, label, rate)), 3) for rate in RATES}
        for label in labels
    }


def _bounds(benign: Mapping[str, Sequence[Scores]], label: str, rate: float) -> list[float]:
    return [
        threshold_at([row[label] for row in scores], rate * _allowance(name, label))
        for name, scores in benign.items()
        if (name, label) != (GAME, "obscene")
    ]


def _allowance(pool: str, label: str) -> float:
    if pool == HARD:
        return 10.0
    return 3.0 if pool == GAME and label in {"toxicity", "insult"} else 1.0
