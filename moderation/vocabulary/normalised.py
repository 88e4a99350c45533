"""The form in which terms and texts are compared, with the way back to the original."""

import re
import unicodedata
from dataclasses import dataclass, field

_APOSTROPHES = frozenset(
    "'\N{RIGHT SINGLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}`\N{ACUTE ACCENT}"
    "\N{MODIFIER LETTER APOSTROPHE}\N{FULLWIDTH APOSTROPHE}\N{PRIME}"
)
_ASCII_WORD = re.compile(r"[0-9a-z]+(?:'[0-9a-z]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalisedText:
    """Words of letters, marks and digits, case-folded, NFKC, one space between them; apostrophes only inside words.

    Character `i` of `text` stands for `original[starts[i]:ends[i]]`.
    """

    text: str
    starts: list[int] = field(repr=False)
    ends: list[int] = field(repr=False)

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Where `text[start:end]` (not empty) lies in the original."""
        return self.starts[start], self.ends[end - 1]


def normalise(original: str) -> NormalisedText:
    """Fold case, width, apostrophes, dashes, punctuation and white space away. Linear in the length."""
    return _normalise_ascii(original) if original.isascii() else _normalise_unicode(original)


def _normalise_ascii(original: str) -> NormalisedText:
    words: list[str] = []
    starts: list[int] = []
    for found in _ASCII_WORD.finditer(original.lower().replace("`", "'")):
        if words:
            starts.append(starts[-1] + 1)
        words.append(found.group())
        starts.extend(range(found.start(), found.end()))
    return NormalisedText(text=" ".join(words), starts=starts, ends=[start + 1 for start in starts])


def _normalise_unicode(original: str) -> NormalisedText:
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []

    def put(character: str, start: int, end: int) -> None:
        characters.append(character)
        starts.append(start)
        ends.append(end)

    def end_word() -> None:
        while characters and characters[-1] in "' ":
            characters.pop(), starts.pop(), ends.pop()
        if characters:
            put(" ", starts[-1], ends[-1])

    for start, end in _clusters(original):
        for character in _fold(original[start:end]):
            inside_word = character == "'" and characters and characters[-1] not in "' "
            if inside_word or unicodedata.category(character)[0] in "LMN":
                put(character, start, end)
            else:
                end_word()
    end_word()
    return NormalisedText(text="".join(characters[:-1]), starts=starts[:-1], ends=ends[:-1])


def _clusters(text: str) -> list[tuple[int, int]]:
    """Spans that NFKC may compose: a character with the marks and conjoining jamo behind it. Format characters go."""
    clusters: list[tuple[int, int]] = []
    for position, character in enumerate(text):
        if unicodedata.category(character) == "Cf":
            continue
        if clusters and clusters[-1][1] == position and _continues(character):
            clusters[-1] = (clusters[-1][0], position + 1)
        else:
            clusters.append((position, position + 1))
    return clusters


def _continues(character: str) -> bool:
    if "\u1160" <= character <= "\u11ff" or "\ud7b0" <= character <= "\ud7ff":  # conjoining vowels and finals
        return True
    return unicodedata.combining(unicodedata.normalize("NFKD", character)[0]) != 0


def _fold(cluster: str) -> str:
    if cluster in _APOSTROPHES:
        return "'"
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", cluster).casefold())
    return folded.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
