"""Undo what Whisper says twice.

With a trimmed window the decoder now and then says a sentence, or the end of one, a second time. People repeat
themselves too, so single words and pairs are never touched.
"""

from collections.abc import Sequence

SHORTEST_PHRASE_WORDS = 3


def without_repetitions(words: Sequence[str]) -> list[int]:
    """Which words to keep, as ascending indices.

    Two things go: the second of two equal phrases that follow each other, and a phrase that ends the text and was said
    just before, with no more words between than it has itself (a repetition that broke off). Phrases have at least
    three words; case and punctuation do not count.
    """
    kept = list(range(len(words)))
    spoken = [_bare(word) for word in words]
    while True:
        found = _immediate(spoken) or _broken_off(spoken)
        if found is None:
            return kept
        start, length = found
        del kept[start : start + length]
        del spoken[start : start + length]


def _bare(word: str) -> str:
    return "".join(letter for letter in word.casefold() if letter.isalnum())


def _immediate(spoken: Sequence[str]) -> tuple[int, int] | None:
    """The first phrase that repeats what stands right before it, longest first: where, and how many words."""
    for length in range(len(spoken) // 2, SHORTEST_PHRASE_WORDS - 1, -1):
        for start in range(length, len(spoken) - length + 1):
            if spoken[start - length : start] == spoken[start : start + length]:
                return start, length
    return None


def _broken_off(spoken: Sequence[str]) -> tuple[int, int] | None:
    """The longest last phrase that also stands shortly before: where, and how many words."""
    for length in range(len(spoken) // 2, SHORTEST_PHRASE_WORDS - 1, -1):
        start = len(spoken) - length
        for gap in range(1, length + 1):
            earlier = start - gap - length
            if earlier >= 0 and spoken[earlier : earlier + length] == spoken[start:]:
                return start, length
    return None
