"""Accuracy on kinds of utterances that were built to tell abuse from what looks like it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from moderation.toxicity.contrast import Utterance
from moderation.toxicity.evaluation.verdicts import Scores, is_flagged, should_be_flagged


def by_kind(
    utterances: Sequence[Utterance], scores: Sequence[Scores], thresholds: Mapping[str, float]
) -> dict[str, dict[str, Any]]:
    """Kind -> texts, the share flagged, and the share that is judged as it should be.

    `accuracy` is over the utterances on which everybody would agree, None where a kind has none.
    """
    verdicts: defaultdict[str, list[tuple[bool, bool | None]]] = defaultdict(list)
    for utterance, score in zip(utterances, scores, strict=True):
        verdicts[utterance.kind].append((is_flagged(score, thresholds), should_be_flagged(utterance.targets)))
    return {kind: _summary(of_kind) for kind, of_kind in sorted(verdicts.items())}


def _summary(verdicts: Sequence[tuple[bool, bool | None]]) -> dict[str, Any]:
    right = [flagged == wanted for flagged, wanted in verdicts if wanted is not None]
    return {
        "texts": len(verdicts),
        "to_be_flagged": sum(wanted is True for _, wanted in verdicts),
        "flagged": _share([flagged for flagged, _ in verdicts]),
        "accuracy": _share(right),
    }


def by_group(
    utterances: Sequence[Utterance], scores: Sequence[Scores], thresholds: Mapping[str, float]
) -> dict[str, dict[str, Any]]:
    """Group of people -> the share of harmless mentions that is flagged, and the share of attacks that is missed."""
    harmless: defaultdict[str, list[bool]] = defaultdict(list)
    attacks: defaultdict[str, list[bool]] = defaultdict(list)
    for utterance, score in zip(utterances, scores, strict=True):
        wanted = should_be_flagged(utterance.targets)
        if utterance.group is None or wanted is None:
            continue
        flagged = is_flagged(score, thresholds)
        if wanted:
            attacks[utterance.group.many].append(not flagged)
        else:
            harmless[utterance.group.many].append(flagged)
    return {
        group: {"harmless_flagged": _share(harmless[group]), "attacks_missed": _share(attacks[group])}
        for group in sorted({*harmless, *attacks})
    }


def _share(values: Sequence[bool]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None
