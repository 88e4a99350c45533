"""Evidence on a language: probabilities restricted to the candidates, multiplied in log space. Pure."""

import math
from collections.abc import Mapping, Sequence

from moderation.events import UNKNOWN_LANGUAGE, LanguageEvidence, LanguageGuess

_LEAST_PROBABILITY = 1e-3
"""One observation never rules a language out."""


def restricted(probabilities: Mapping[str, float], candidates: Sequence[str]) -> dict[str, float]:
    """The probabilities of the candidates, summing to 1; all equal where none of them has any."""
    kept = {tag: max(probabilities.get(tag, 0.0), 0.0) for tag in candidates}
    total = sum(kept.values())
    if total <= 0:
        return dict.fromkeys(candidates, 1 / len(candidates))
    return {tag: probability / total for tag, probability in kept.items()}


class Evidence:
    """Observations of one thing, taken as independent."""

    def __init__(self, candidates: Sequence[str], known: LanguageEvidence | None = None) -> None:
        """`known` is what was observed before; nothing, when the candidates were others then."""
        self._log = dict.fromkeys(candidates, 0.0)
        self._observations = 0
        if known is not None and known.log_probabilities.keys() >= set(candidates):
            self._log = {tag: known.log_probabilities[tag] for tag in candidates}
            self._observations = known.observations

    @property
    def known(self) -> LanguageEvidence | None:
        """All observations, for whoever goes on with them; None before the first."""
        if not self._observations:
            return None
        return LanguageEvidence(observations=self._observations, log_probabilities=dict(self._log))

    @property
    def observations(self) -> int:
        """How many were added."""
        return self._observations

    def add(self, probabilities: Mapping[str, float]) -> None:
        """Take one more observation; candidates it does not name count as improbable."""
        for tag, probability in restricted(probabilities, list(self._log)).items():
            self._log[tag] += math.log(max(probability, _LEAST_PROBABILITY))
        self._observations += 1

    def best(self) -> LanguageGuess:
        """The most probable candidate given all observations; `und` before the first."""
        if not self._observations:
            return LanguageGuess(language=UNKNOWN_LANGUAGE, confidence=0.0)
        highest = max(self._log.values())
        weights = {tag: math.exp(value - highest) for tag, value in self._log.items()}
        tag = max(weights, key=lambda candidate: weights[candidate])
        return LanguageGuess(language=tag, confidence=weights[tag] / sum(weights.values()))
