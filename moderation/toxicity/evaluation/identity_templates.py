"""False alarms on generated sentences that mention identities (the test set of Dixon et al. 2018)."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from moderation.toxicity.classifier import ToxicityClassifier
from moderation.toxicity.evaluation.verdicts import is_flagged
from moderation.toxicity.measures import auc

SAMPLE = 12_000


def identity_alarms(
    classifier: ToxicityClassifier,
    phrases: Sequence[tuple[str, bool]],
    rng: random.Random,
    thresholds: Mapping[str, float],
) -> dict[str, Any]:
    """False alarms per identity on harmless sentences, and the ranking of harmless against toxic ones."""
    terms = {phrase.removeprefix("I am ") for phrase, _ in phrases if phrase.startswith("I am ")}
    sample = rng.sample(list(phrases), min(SAMPLE, len(phrases)))
    scores = classifier.score([phrase for phrase, _ in sample])
    flagged: defaultdict[str, list[bool]] = defaultdict(list)
    for (phrase, toxic), score in zip(sample, scores, strict=True):
        if not toxic:
            for term in terms:
                if f" {term} " in f" {phrase} ":
                    flagged[term].append(is_flagged(score, thresholds))
    truths = [toxic for _, toxic in sample]
    per_term = {term: round(sum(values) / len(values), 4) for term, values in sorted(flagged.items())}
    return {
        "auc": round(auc([s["toxicity"] for s in scores], truths), 4),
        "false_alarms_mean": round(sum(per_term.values()) / len(per_term), 4) if per_term else float("nan"),
        "false_alarms": per_term,
    }
