"""Digits that a recogniser wrote as other words: "6 4 6 5 5 5 0 1 A 3", "718 555 here 1 6 4".

The words were seen in Whisper tiny.en's output for spoken digits, or sound like one. They count between digits only.
"""

from collections.abc import Sequence

from moderation.pii.spoken_number import NumberAtom
from moderation.pii.tokens import Token, TokenKind

_HEARD_AS = {
    "0": ("o", "oh", "here", "hero", "sero", "ziro"),
    "1": ("won", "wan", "juan", "when", "i"),
    "2": ("to", "too", "tu", "new"),
    "3": ("tree", "free", "thee"),
    "4": ("for", "fore", "or", "fall", "foe", "fo", "all", "more", "fau"),
    "5": ("fife", "hive", "fi", "bye", "vibe"),
    "6": ("sex", "sick", "sicks", "six's", "big"),
    "7": ("heaven", "sven"),
    "8": ("a", "ate", "eight's", "eat", "paid", "ape", "aid", "hate"),
    "9": ("nein", "nigh", "mine", "nines"),
}  # fmt: skip
_DIGIT = {word: digit for digit, words in _HEARD_AS.items() for word in words}
_PUNCTUATION = frozenset("-.,()\N{EN DASH}\N{EM DASH}\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{HORIZONTAL ELLIPSIS}")
_ENDS = frozenset(".,!?\N{HORIZONTAL ELLIPSIS}")
_MOST_WORDS = 2
_MOST_TOKENS = 6
_COMPLETE = frozenset({7, 10, 16})
"""How many digits a number has when people take notice: local, national, on a card."""


def bridge(tokens: Sequence[Token], earlier: NumberAtom, later: NumberAtom) -> tuple[NumberAtom, ...] | None:
    """What stands between two numbers, if it can only be misheard digits and punctuation.

    One number beside it must be a single digit: nobody who says "2000 or 3000" reads out digits. A stray letter is a
    digit whose value is not known, read as 0.
    """
    between = range(earlier.last + 1, later.first)
    if not 0 < len(between) <= _MOST_TOKENS or not (earlier.single or later.single):
        return None
    atoms: list[NumberAtom] = []
    for at in between:
        token = tokens[at]
        if token.kind is TokenKind.WORD:
            digit = _DIGIT.get(token.norm) or ("0" if len(token.norm) == 1 else "")
            if not digit or len(atoms) == _MOST_WORDS:
                return None
            atoms.append(NumberAtom(at, at, digit, spoken=True, misheard=True))
        elif token.norm not in _PUNCTUATION:
            return None
    return tuple(atoms) or None


def completion(tokens: Sequence[Token], last: NumberAtom, count: int) -> NumberAtom | None:
    """The word behind `count` digits that is the one digit missing, if it ends the sentence."""
    at = last.last + 1
    if count + 1 not in _COMPLETE or not last.single or at >= len(tokens):
        return None
    if at + 1 < len(tokens) and tokens[at + 1].norm not in _ENDS:
        return None
    digit = _DIGIT.get(tokens[at].norm) if tokens[at].kind is TokenKind.WORD else None
    return NumberAtom(at, at, digit, spoken=True, misheard=True) if digit else None
