"""Reading numbers the way people say them: "double five", "twenty three", "eight hundred", "oh".

English only. Other languages' recognisers write most numbers as digits; their number words belong beside these.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from moderation.pii.tokens import Token, TokenKind

UNITS = {
    "zero": 0, "nought": 0, "naught": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "niner": 9,
}  # fmt: skip
_TEENS = {
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90,
}  # fmt: skip
_REPEATS = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
_OH = frozenset({"oh", "o"})
_HOMOPHONES = {"to": 2, "too": 2, "for": 4, "ate": 8}
_MAGNITUDES = frozenset({"thousand", "million", "billion", "grand"})
_UNITS_OF_MEASURE = frozenset(
    {"st", "nd", "rd", "th", "k", "m", "x", "s", "ms", "fps", "hp", "am", "pm", "min", "sec", "hz", "gb", "mb", "km"}
)
_CURRENCY = frozenset("$\N{EURO SIGN}\N{POUND SIGN}\N{YEN SIGN}\N{WON SIGN}")


@dataclass(frozen=True, slots=True)
class NumberAtom:
    """A number that is said or written in one piece: tokens `first` to `last`, as digits.

    `quantity` tells that it counts or measures something (a thousand, 1,500, $20, 5 pm), so it is no part of a number
    that names something. `misheard` tells that it is a word which only sounds like a digit.
    """

    first: int
    last: int
    digits: str
    spoken: bool
    quantity: bool = False
    misheard: bool = False

    @property
    def single(self) -> bool:
        """Whether it was read out as single digits ("five", "double five")."""
        return len(self.digits) == 1 or (self.spoken and len(set(self.digits)) == 1 and not self.quantity)


def read_numbers(tokens: Sequence[Token]) -> tuple[NumberAtom, ...]:
    """The numbers of a text, in order. Linear in the number of tokens."""
    atoms: list[NumberAtom] = []
    position = 0
    while position < len(tokens):
        atom = _read(tokens, position, atoms[-1] if atoms else None)
        if atom is None:
            position += 1
        else:
            atoms.append(atom)
            position = atom.last + 1
    return tuple(atoms)


def _read(tokens: Sequence[Token], at: int, previous: NumberAtom | None) -> NumberAtom | None:
    token = tokens[at]
    if token.kind is TokenKind.DIGITS:
        return _written(tokens, at)
    if token.kind is not TokenKind.WORD:
        return None
    if token.norm in _REPEATS:
        return _repeated(tokens, at)
    return _spoken(tokens, at) or _spoken_like_another_word(tokens, at, previous)


def _spoken_like_another_word(tokens: Sequence[Token], at: int, previous: NumberAtom | None) -> NumberAtom | None:
    """ "Oh" for zero beside a number, and "for" for four between digits."""
    norm = tokens[at].norm
    follows_number = previous is not None and previous.last >= at - 4
    if norm in _OH and (follows_number or _is_number(tokens, at + 1) or _is_number(tokens, at + 2)):
        return NumberAtom(at, at, "0", spoken=True)
    if norm in _HOMOPHONES and previous is not None and previous.last == at - 1 and _norm(tokens, at + 1) in UNITS:
        heard = previous.spoken and previous.single
        return NumberAtom(at, at, str(_HOMOPHONES[norm]), spoken=True, misheard=True) if heard else None
    return None


def _norm(tokens: Sequence[Token], at: int) -> str:
    return tokens[at].norm if at < len(tokens) else ""


def _is_number(tokens: Sequence[Token], at: int) -> bool:
    norm = _norm(tokens, at)
    return norm in UNITS or norm in _TENS or norm in _TEENS or norm in _REPEATS or norm.isdigit()


def _written(tokens: Sequence[Token], at: int) -> NumberAtom:
    digits = tokens[at].norm
    last = at
    while (
        (len(digits) <= 3 or last > at)
        and _norm(tokens, last + 1) == ","
        and last + 2 < len(tokens)
        and _is_group_of_thousands(tokens, last + 2)
    ):
        last += 2
    grouped = last > at and not (_glued_digits_follow(tokens, last))
    if not grouped:
        last = at
    else:
        digits = "".join(token.norm for token in tokens[at : last + 1 : 2])
    following = _norm(tokens, last + 1)
    glued = last + 1 < len(tokens) and tokens[last + 1].glued
    measured = (
        following == "%" or (glued and following in _UNITS_OF_MEASURE and len(digits) < 7) or following in _MAGNITUDES
    )
    priced = at > 0 and tokens[at - 1].norm in _CURRENCY
    return NumberAtom(at, last, digits, spoken=False, quantity=grouped or measured or priced or following == "hundred")


def _is_group_of_thousands(tokens: Sequence[Token], at: int) -> bool:
    group = tokens[at]
    return group.kind is TokenKind.DIGITS and len(group.norm) == 3 and group.glued and tokens[at - 1].glued


def _glued_digits_follow(tokens: Sequence[Token], last: int) -> bool:
    """Whether `,4567` follows, as in 555,123,4567: then the commas do not group thousands."""
    return (
        last + 2 < len(tokens)
        and tokens[last + 1].norm in ",-"
        and tokens[last + 1].glued
        and tokens[last + 2].glued
        and tokens[last + 2].kind is TokenKind.DIGITS
    )


def _repeated(tokens: Sequence[Token], at: int) -> NumberAtom | None:
    norm = _norm(tokens, at + 1)
    digit = "0" if norm in _OH else str(UNITS[norm]) if norm in UNITS else norm if norm.isdigit() else ""
    return NumberAtom(at, at + 1, digit * _REPEATS[tokens[at].norm], spoken=True) if len(digit) == 1 else None


def _below_hundred(tokens: Sequence[Token], at: int) -> tuple[int, int] | None:
    """A value below 100 that starts at a token, and the last token of it."""
    norm = _norm(tokens, at)
    if norm in UNITS:
        return UNITS[norm], at
    if norm in _TEENS:
        return _TEENS[norm], at
    if norm not in _TENS:
        return None
    following = at + 1
    if _norm(tokens, following) == "-" and tokens[following].glued:
        following += 1
    unit = UNITS.get(_norm(tokens, following), 0)
    return (_TENS[norm] + unit, following) if unit else (_TENS[norm], at)


def _spoken(tokens: Sequence[Token], at: int) -> NumberAtom | None:
    first = _below_hundred(tokens, at)
    if first is None:
        return None
    value, last = first
    quantity = False
    if _norm(tokens, last + 1) == "hundred":
        value, last, quantity = _hundreds(tokens, value, last + 1)
    if _norm(tokens, last + 1) in _MAGNITUDES:
        return NumberAtom(at, last + 1, str(value), spoken=True, quantity=True)
    return NumberAtom(at, last, str(value), spoken=True, quantity=quantity)


def _hundreds(tokens: Sequence[Token], value: int, last: int) -> tuple[int, int, bool]:
    """After "hundred": value, last token, and whether "and" made it a quantity.

    In "eight hundred five five five" the fives are digits of their own, in "eight hundred five" they are not.
    """
    value *= 100
    joined = _norm(tokens, last + 1) == "and"
    rest = _below_hundred(tokens, last + 2 if joined else last + 1)
    if rest is None or (not joined and _is_number(tokens, rest[1] + 1)):
        return value, last, False
    return value + rest[0], rest[1], joined
