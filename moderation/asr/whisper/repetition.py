"""Undo what Whisper says twice though it was said once.

With a trimmed window the decoder now and then says a sentence, or the end of one, a second time. People repeat
themselves too: they chant, and they say a threat again when nobody answered. Time tells these apart. What was said
twice took about as long both times; for what was invented there is no time, so that one of the two is squeezed.

Over 273 clips played twice in a row the shorter of two equal phrases took at least 0.59 of the time of the longer one
(median 0.88); over 1,100 clips in trimmed windows, whenever a phrase was invented, at most 0.47. Where the encoder
sees a full window of silence (`encoder`), none was.
"""

from collections.abc import Sequence

from moderation.events import Word

SHORTEST_PHRASE_WORDS = 3
"""Single words and pairs are never touched."""

_LEAST_SHARE = 0.55
"""Of the time of the longer one, which the shorter of two equal phrases takes when both were said."""


def without_repetitions(words: Sequence[Word]) -> list[int]:
    """Which words to keep, as ascending indices.

    Two things go: the second of two equal phrases that follow each other, and a phrase that ends the text and was said
    just before, with no more words between than it has itself (a repetition that broke off). Phrases have at least
    three words, case and punctuation do not count, and one of the two phrases is squeezed.
    """
    kept = list(range(len(words)))
    while True:
        left = [words[index] for index in kept]
        found = _immediate(left) or _broken_off(left)
        if found is None:
            return kept
        start, length = found
        del kept[start : start + length]


def _bare(words: Sequence[Word]) -> list[str]:
    return ["".join(letter for letter in word.text.casefold() if letter.isalnum()) for word in words]


def _immediate(words: Sequence[Word]) -> tuple[int, int] | None:
    """The first phrase that repeats what stands right before it, longest first: where, and how many words."""
    spoken = _bare(words)
    for length in range(len(spoken) // 2, SHORTEST_PHRASE_WORDS - 1, -1):
        for start in range(length, len(spoken) - length + 1):
            if _is_invented(words, spoken, start - length, start, length):
                return start, length
    return None


def _broken_off(words: Sequence[Word]) -> tuple[int, int] | None:
    """The longest last phrase that also stands shortly before: where, and how many words."""
    spoken = _bare(words)
    for length in range(len(spoken) // 2, SHORTEST_PHRASE_WORDS - 1, -1):
        start = len(spoken) - length
        for gap in range(1, length + 1):
            earlier = start - gap - length
            if earlier >= 0 and _is_invented(words, spoken, earlier, start, length):
                return start, length
    return None


def _is_invented(words: Sequence[Word], spoken: Sequence[str], first: int, second: int, length: int) -> bool:
    """Whether two phrases are equal, but there was no time for both."""
    if spoken[first : first + length] != spoken[second : second + length]:
        return False
    shorter, longer = sorted(words[at + length - 1].end_ms - words[at].start_ms for at in (first, second))
    return shorter <= _LEAST_SHARE * longer
