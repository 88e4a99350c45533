"""Group tokens into words, and give words their times and confidences."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from moderation.events import Word

MS_PER_STEP = 20
"""One position of the encoder's output."""

_LONGEST_WORD_MS = 300
_LONGEST_LETTER_MS = 200


@dataclass(frozen=True, slots=True)
class WordTokens:
    """A word as written, without spaces around it, and the tokens it is made of."""

    text: str
    tokens: tuple[int, ...]
    first: int
    """How many tokens stand before it."""
    spoken: int
    """How many of the tokens are said: not the punctuation at the end."""


def words_of(tokens: Sequence[int], decode: Callable[[Sequence[int]], str]) -> list[WordTokens]:
    """Group tokens into words: what stands between spaces, punctuation included.

    A space is always the first character of a token (byte-level BPE), so a word never shares a token. Languages
    written without spaces come out as one word between two spaces; their text stays as it is written.
    """
    groups: list[list[int]] = []
    for token in tokens:
        if not groups or decode([token])[:1].isspace():
            groups.append([])
        groups[-1].append(token)
    firsts = accumulate(map(len, groups), initial=0)
    words = [
        WordTokens(decode(group).strip(), tuple(group), first, _spoken(group, decode))
        for group, first in zip(groups, firsts, strict=False)
    ]
    return [word for word in words if word.text]


def _spoken(tokens: Sequence[int], decode: Callable[[Sequence[int]], str]) -> int:
    # Half a character decodes to U+FFFD, which is neither a letter nor punctuation.
    said = [n for n, token in enumerate(tokens) if any(c.isalnum() or c == "\ufffd" for c in decode([token]))]
    return said[-1] + 1 if said else len(tokens)


def timed_words(
    words: Sequence[WordTokens],
    alignment: Sequence[tuple[int, int]],
    probabilities: Sequence[float],
    offset_ms: int,
) -> list[Word]:
    """Words with times and confidences.

    `alignment` is the path of (token, encoder position) pairs through all tokens of all words and the end-of-text
    token. A token starts where the path first reaches it; a word ends where the token after its last spoken one starts.
    The path has no place for pauses, so a word that would last longer than words do is shortened: the first word of all
    at its start, any other at its end. `probabilities` has one entry a token; a word's confidence is the mean of its
    tokens'.
    """
    starts = _token_starts(alignment)
    timed: list[Word] = []
    first = 0
    for word in words:
        start_ms = _start(starts, first) * MS_PER_STEP
        end_ms = _start(starts, first + word.spoken) * MS_PER_STEP
        longest_ms = _LONGEST_WORD_MS + _LONGEST_LETTER_MS * len(word.text)
        if timed:
            end_ms = min(end_ms, start_ms + longest_ms)
        else:
            start_ms = max(start_ms, end_ms - longest_ms)
        chances = probabilities[first : first + len(word.tokens)]
        confidence = sum(chances) / len(chances) if chances else 0.0
        timed.append(
            Word(text=word.text, start_ms=offset_ms + start_ms, end_ms=offset_ms + end_ms, confidence=confidence)
        )
        first += len(word.tokens)
    return timed


def _token_starts(alignment: Sequence[tuple[int, int]]) -> list[int]:
    starts: list[int] = []
    for token, position in alignment:
        if token >= len(starts):
            starts.append(position)
    return starts


def _start(starts: Sequence[int], token: int) -> int:
    if not starts:
        return 0
    return starts[min(token, len(starts) - 1)]
