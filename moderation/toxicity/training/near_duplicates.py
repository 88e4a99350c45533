"""Keeps texts of the test sets, and near duplicates of them, out of training."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from moderation.toxicity.training.speech_style import fingerprint

SHINGLE_WORDS = 3
LEAST_JACCARD = 0.6
LEAST_CONTAINMENT = 0.7
CONTAINMENT_SHINGLES = 6


class NearDuplicates:
    """Recognises texts that equal, nearly equal, contain or are part of one of the reference texts.

    A text is a near duplicate when its words are the same as a reference's whatever case and punctuation; when the
    word trigrams of both overlap by 60 % (Jaccard); or when at least 6 trigrams are shared that make up 70 % of the
    shorter of the two. Texts under four words are compared for equality only.
    """

    def __init__(self, references: Iterable[str]) -> None:
        self._exact: set[str] = set()
        self._sizes: list[int] = []
        self._holders: defaultdict[int, list[int]] = defaultdict(list)
        for text in references:
            words = fingerprint(text)
            if words in self._exact or not words:
                continue
            self._exact.add(words)
            shingles = _shingles(words)
            for shingle in shingles:
                self._holders[shingle].append(len(self._sizes))
            self._sizes.append(len(shingles))

    def __contains__(self, text: str) -> bool:
        words = fingerprint(text)
        if words in self._exact:
            return True
        shingles = _shingles(words)
        if len(shingles) < 2:
            return False
        shared = Counter(reference for shingle in shingles for reference in self._holders.get(shingle, ()))
        return any(_near(count, len(shingles), self._sizes[reference]) for reference, count in shared.items())


def _near(shared: int, size: int, other: int) -> bool:
    if shared / (size + other - shared) >= LEAST_JACCARD:
        return True
    return shared >= CONTAINMENT_SHINGLES and shared / min(size, other) >= LEAST_CONTAINMENT


def _shingles(words: str) -> set[int]:
    parts = words.split()
    return {hash(tuple(parts[at : at + SHINGLE_WORDS])) for at in range(len(parts) - SHINGLE_WORDS + 1)}
