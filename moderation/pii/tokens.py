"""Cutting a text into words, digits and symbols, each with its place in the original."""

import re
from dataclasses import dataclass
from enum import Enum


class TokenKind(Enum):
    """What a token is made of."""

    WORD = "word"
    """Letters, with apostrophes inside."""
    DIGITS = "digits"
    SYMBOL = "symbol"
    """One character that is neither."""
    MASK = "mask"
    """A label or mask that stands for something already hidden. Nothing is read across it."""


@dataclass(frozen=True, slots=True)
class Token:
    """`original[start:end]`. `norm` is case-folded, with ASCII digits and apostrophes.

    `glued` tells that nothing, not even white space, stands between this token and the one before.
    """

    start: int
    end: int
    norm: str
    kind: TokenKind
    glued: bool


_TOKEN = re.compile(
    r"(?P<mask>\[[A-Z_]+\]|\*\*\*)"
    r"|(?P<word>[^\W\d_]+(?:['\N{RIGHT SINGLE QUOTATION MARK}][^\W\d_]+)*)"
    r"|(?P<digits>\d+)"
    r"|(?P<symbol>[^\s])"
)
_KINDS = {kind.value: kind for kind in TokenKind}


def tokenise(text: str) -> tuple[Token, ...]:
    """Cut a text. Linear in its length."""
    tokens: list[Token] = []
    last_end = -1
    for found in _TOKEN.finditer(text):
        kind = _KINDS[found.lastgroup or "symbol"]
        start, end = found.span()
        norm = found.group()
        if kind is TokenKind.WORD:
            norm = norm.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
        elif kind is TokenKind.DIGITS and not norm.isascii():
            norm = "".join(str(int(digit)) for digit in norm)
        tokens.append(Token(start, end, norm, kind, start == last_end))
        last_end = end
    return tuple(tokens)
