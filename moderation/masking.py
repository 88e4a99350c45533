"""Replacing what must not be published, in a text and in its words alike. Pure.

Overlapping spans become one. Of their replacements the most telling wins: a label such as `[PHONE]`, then `***`, then
nothing; of two labels, the one of the longer span.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from moderation.errors import InvariantViolation
from moderation.events import Word

TERM_MASK = "***"
"""What replaces a listed term."""

REMOVED = ""
"""What replaces a listed term that is to be left out."""


def pii_label(entity: str) -> str:
    """What replaces personal data: `PHONE` becomes `[PHONE]`."""
    return f"[{entity}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskSpan:
    """`text[start:end]` is to be replaced."""

    start: int
    end: int
    replacement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Masked:
    """A masked text with its masked words; when there are words, `text == " ".join(word.text for word in words)`."""

    text: str
    words: tuple[Word, ...]


def mask(text: str, words: Sequence[Word], spans: Iterable[MaskSpan]) -> Masked:
    """Replace spans of a text, and of its words when there are any.

    A replaced span of several words becomes one word that lasts from the first to the last of them and is as uncertain
    as the least certain; what a span leaves of its first and last word (a bracket, a full stop) stays. A word of which
    a removal leaves nothing but punctuation goes with it.

    Raises:
        InvariantViolation: a span lies outside the text, or the words do not join to the text.
    """
    merged = _merge(text, spans)
    if not words:
        return Masked(text=_mask_text(text, merged), words=())
    bounds = _bounds(text, words)
    masked = tuple(_mask_words(text, words, bounds, merged))
    return Masked(text=" ".join(word.text for word in masked), words=masked)


def span_times(text: str, words: Sequence[Word], start: int, end: int) -> tuple[int, int] | tuple[None, None]:
    """When `text[start:end]` was said: from the first to the last word that it touches; (None, None) without words.

    Raises:
        InvariantViolation: the words do not join to the text.
    """
    if not words:
        return None, None
    touched = [
        word for word, (first, last) in zip(words, _bounds(text, words), strict=True) if first < end and start < last
    ]
    return (touched[0].start_ms, touched[-1].end_ms) if touched else (None, None)


def _bounds(text: str, words: Sequence[Word]) -> list[tuple[int, int]]:
    if " ".join(word.text for word in words) != text:
        raise InvariantViolation("the words of an utterance do not join to its text; the engine broke its contract")
    bounds: list[tuple[int, int]] = []
    position = 0
    for word in words:
        bounds.append((position, position + len(word.text)))
        position += len(word.text) + 1
    return bounds


def _merge(text: str, spans: Iterable[MaskSpan]) -> list[MaskSpan]:
    merged: list[MaskSpan] = []
    winner_length = 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if not 0 <= span.start <= span.end <= len(text):
            raise InvariantViolation("a span to mask lies outside its text")
        length = span.end - span.start
        if not length:
            continue
        if not merged or span.start >= merged[-1].end:
            merged.append(span)
            winner_length = length
            continue
        last = merged[-1]
        replacement = last.replacement
        if (_strength(span.replacement), length) > (_strength(last.replacement), winner_length):
            replacement, winner_length = span.replacement, length
        merged[-1] = MaskSpan(start=last.start, end=max(last.end, span.end), replacement=replacement)
    return merged


def _strength(replacement: str) -> int:
    return {REMOVED: 0, TERM_MASK: 1}.get(replacement, 2)


def _mask_text(text: str, spans: Sequence[MaskSpan]) -> str:
    """Replace in a text that has no words. A removal takes the white space before it along."""
    masked = ""
    position = 0
    for span in spans:
        masked += text[position : span.start]
        position = span.end
        if span.replacement != REMOVED:
            masked += span.replacement
            continue
        masked = masked.rstrip()
        while not masked and position < len(text) and text[position].isspace():
            position += 1
    return masked + text[position:]


def _mask_words(
    text: str, words: Sequence[Word], bounds: Sequence[tuple[int, int]], spans: Sequence[MaskSpan]
) -> Iterable[Word]:
    """The words, those that a span touches joined into one. Spans that touch the same word are replaced together."""
    word, span = 0, 0
    while word < len(words):
        if span < len(spans) and spans[span].end <= bounds[word][0]:
            span += 1
            continue
        if span == len(spans) or spans[span].start >= bounds[word][1]:
            yield words[word]
            word += 1
            continue
        first, first_span = word, span
        while span < len(spans) and spans[span].start < bounds[word][1]:
            while word + 1 < len(words) and bounds[word + 1][0] < spans[span].end:
                word += 1
            span += 1
        joined = _join(text, words[first : word + 1], bounds[first][0], bounds[word][1], spans[first_span:span])
        if joined is not None:
            yield joined
        word += 1


def _join(text: str, words: Sequence[Word], start: int, end: int, spans: Sequence[MaskSpan]) -> Word | None:
    """One word for several, or None when nothing worth keeping is left of them."""
    pieces: list[str] = []
    position = start
    for span in spans:
        pieces += [text[position : max(position, span.start)], span.replacement]
        position = span.end
    pieces.append(text[position:end])
    joined = "".join(pieces)
    if all(span.replacement == REMOVED for span in spans) and not any(map(str.isalnum, joined)):
        return None
    return Word(
        text=joined,
        start_ms=words[0].start_ms,
        end_ms=words[-1].end_ms,
        confidence=min(word.confidence for word in words),
    )
