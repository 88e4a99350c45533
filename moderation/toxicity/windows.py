"""Long text cut into windows that fit a model, the same for every back-end."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

_WORD = re.compile(r"\S+")

TokenOffsets = Callable[[str], Sequence[tuple[int, int]]]
"""Character spans of the tokens of a text, special tokens left out."""


def encodable(text: str) -> str:
    """The text as UTF-8 can hold it, of the same length: half of a surrogate pair becomes `?`."""
    return text.encode("utf-8", "replace").decode("utf-8")


def windows(text: str, offsets: TokenOffsets, max_tokens: int) -> list[str]:
    """Pieces of `text` of at most `max_tokens` tokens (special tokens not counted), at least one piece.

    Pieces end between words and overlap by up to a quarter, so that a phrase at an edge is seen whole in one of them. A
    single word of more tokens than a window is cut between tokens.
    """
    spans = offsets(text)
    if len(spans) <= max_tokens:
        return [text]
    words = _words(text, spans, max_tokens)
    pieces, first = [], 0
    while first < len(words):
        last = _fill(words, first, max_tokens)
        pieces.append(text[words[first][0] : words[last - 1][1]])
        if last == len(words):
            break
        first = _back_off(words, first, last, max_tokens // 4)
    return pieces


def highest(scores: Iterable[Mapping[str, float]], labels: Sequence[str]) -> dict[str, float]:
    """The highest score of each label over the windows of a text; 0 where there is none."""
    result = dict.fromkeys(labels, 0.0)
    for window in scores:
        for label in labels:
            result[label] = max(result[label], window[label])
    return result


def _words(text: str, spans: Sequence[tuple[int, int]], max_tokens: int) -> list[tuple[int, int, int]]:
    """(start, end, tokens) of each word; a word that no window holds appears as several."""
    bounds = [(found.start(), found.end()) for found in _WORD.finditer(text)]
    starts = [start for start, _ in bounds]
    ends: list[list[int]] = [[] for _ in bounds]
    for _, end in spans:
        ends[max(0, bisect_right(starts, end - 1) - 1)].append(end)
    words: list[tuple[int, int, int]] = []
    for (start, end), token_ends in zip(bounds, ends, strict=True):
        cuts = [start, *token_ends[max_tokens - 1 : -1 : max_tokens], end]
        counts = [min(max_tokens, len(token_ends) - at) for at in range(0, max(1, len(token_ends)), max_tokens)]
        words += [(a, b, n) for (a, b), n in zip(pairwise(cuts), counts, strict=True)]
    return words


def _fill(words: list[tuple[int, int, int]], first: int, max_tokens: int) -> int:
    last, used = first, 0
    while last < len(words) and (last == first or used + words[last][2] <= max_tokens):
        used += words[last][2]
        last += 1
    return last


def _back_off(words: list[tuple[int, int, int]], first: int, last: int, overlap: int) -> int:
    back, used = last, 0
    while back - 1 > first and used + words[back - 1][2] <= overlap:
        back -= 1
        used += words[back][2]
    return back
