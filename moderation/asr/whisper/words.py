"""Group tokens into words, and give words their times and confidences."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from moderation.events import Word

MS_PER_STEP = 20
"""One position of the encoder's output."""


@dataclass(frozen=True, slots=True)
class WordTokens:
    """A word as written, without spaces around it, and the tokens it is made of."""

    text: str
    tokens: tuple[int, ...]


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
    words = [WordTokens(decode(group).strip(), tuple(group)) for group in groups]
    return [word for word in words if word.text]


def timed_words(
    words: Sequence[WordTokens],
    alignment: Sequence[tuple[int, int]],
    probabilities: Sequence[float],
    offset_ms: int,
) -> list[Word]:
    """Words with times and confidences.

    `alignment` is the path of (token, encoder position) pairs through all tokens of all words and the end-of-text
    token; a token starts where the path first reaches it, and a word ends where the next one starts.
    `probabilities` has one entry a token; a word's confidence is the mean of its tokens'.
    """
    starts = _token_starts(alignment)
    timed: list[Word] = []
    first = 0
    for word in words:
        behind = first + len(word.tokens)
        chances = probabilities[first:behind]
        timed.append(
            Word(
                text=word.text,
                start_ms=offset_ms + _start(starts, first) * MS_PER_STEP,
                end_ms=offset_ms + _start(starts, behind) * MS_PER_STEP,
                confidence=sum(chances) / len(chances) if chances else 0.0,
            )
        )
        first = behind
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
