"""Which words a flag rests on: the phrase that would be flagged alone.

Words are dropped from both ends of a text, always the one that matters less, as long as what remains reaches the
threshold: a sufficient subset of the input (Carter et al. 2019, "What made you do this? Understanding black-box
decisions with sufficient input subsets") that is kept in one piece, so that it can be played and read. Costs up to two
scores a word, hence for texts that are flagged.
"""

import math
import re
from collections.abc import Mapping, Sequence

from moderation.toxicity.classifier import ToxicityClassifier

MOST_PARTS = 32
"""A longer text loses several words at a time: so many pieces at the most."""

LEAST_WORDS = 2
"""A single word is no evidence: it may be a mere mention."""

_WORD = re.compile(r"\S+")

Span = tuple[int, int]
"""From the first character to behind the last one."""


def sufficient_spans(classifier: ToxicityClassifier, text: str, limits: Mapping[str, float]) -> dict[str, Span]:
    """Label -> the part of `text` that alone reaches the label's limit. Labels that need all of it are left out.

    Args:
        classifier: what scored the text.
        text: what was scored.
        limits: label -> the threshold that the score of the whole text reaches.
    """
    phrases = _Phrases(classifier, text)
    found = {label: phrases.sufficient(label, limit) for label, limit in limits.items()}
    return {label: span for label, span in found.items() if span is not None}


class _Phrases:
    """The phrases of one text, scored once each."""

    def __init__(self, classifier: ToxicityClassifier, text: str) -> None:
        self._classifier = classifier
        self._text = text
        self._words = [match.span() for match in _WORD.finditer(text)]
        self._scores: dict[tuple[int, int], Mapping[str, float]] = {}

    def sufficient(self, label: str, limit: float) -> Span | None:
        """The phrase that is left when nothing more can go; None when nothing can."""
        phrase = (0, len(self._words))
        step = max(1, math.ceil(len(self._words) / MOST_PARTS))
        while phrase[1] - phrase[0] - step >= LEAST_WORDS:
            first, last = phrase
            shorter = ((first + step, last), (first, last - step))
            self._score(shorter)
            best = max(shorter, key=lambda one: self._scores[one][label])
            if self._scores[best][label] < limit:
                break
            phrase = best
        first, last = phrase
        return None if last - first == len(self._words) else (self._words[first][0], self._words[last - 1][1])

    def _score(self, phrases: Sequence[tuple[int, int]]) -> None:
        new = [phrase for phrase in phrases if phrase not in self._scores]
        texts = [self._text[self._words[first][0] : self._words[last - 1][1]] for first, last in new]
        self._scores.update(zip(new, self._classifier.score(texts), strict=True))
