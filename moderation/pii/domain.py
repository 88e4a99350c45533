"""Domain names, written ("example.com") and spoken ("example dot com", "g mail dot com")."""

from dataclasses import dataclass

from moderation.pii.reading import Reading
from moderation.pii.tokens import TokenKind

_TLDS = frozenset(
    {
        "com", "net", "org", "edu", "gov", "mil", "int", "info", "biz", "io", "gg", "tv", "co", "uk", "eu", "de",
        "fr",
        "es", "pt", "br", "ru", "jp", "kr", "cn", "nl", "pl", "se", "fi", "dk", "ch", "at", "au", "ca", "nz",
        "ie", "mx",
        "ly", "ai", "xyz", "app", "dev", "online", "shop", "store", "site", "club", "cc", "ws", "fm", "gl", "ms",
    }
)  # fmt: skip
_WRITTEN_ONLY = frozenset({"me", "be", "us", "in", "is", "it", "to", "so", "no", "live", "pro", "one", "link", "name"})
"""Also everyday words, so that they count only where there is no space around the dot and more speaks for a domain."""

_DOT_WORDS = frozenset({"dot", "punkt", "punto", "ponto"})
_NO_LABELS = frozenset(
    {"the", "a", "an", "this", "that", "my", "your", "at", "in", "on", "of", "to", "and", "or", "is"}
)
_MOST_LABELS = 8
_MOST_LETTERS = 20


@dataclass(frozen=True, slots=True)
class Domain:
    """Tokens `first` to `last`. `certain` is False when the ending is an everyday word, too."""

    first: int
    last: int
    labels: tuple[str, ...]
    spoken: bool
    certain: bool


def is_dot(reading: Reading, at: int) -> bool:
    """Whether a token is a dot between two labels: glued on both sides, or said."""
    token = reading.tokens[at]
    if token.kind is TokenKind.WORD:
        return token.norm in _DOT_WORDS
    if token.norm != "." or not token.glued or at + 1 >= len(reading.tokens):
        return False
    # "gmail. com": recognisers put a space behind the dot now and then.
    return reading.tokens[at + 1].glued or reading.norm(at + 1) in {"com", "net", "org"}


def read_domain(reading: Reading, first: int, *, words: int) -> Domain | None:
    """The domain that starts at a token, if one does.

    Args:
        first: the first token of its first label.
        words: how many separate words that label may be made of ("hot mail dot com": 2).
    """
    labels: list[str] = []
    spoken = False
    best: Domain | None = None
    position = first
    while len(labels) < _MOST_LABELS:
        label, last = _label(reading, position, words if not labels else 1)
        if not label or (len(labels) == 0 and label in _NO_LABELS):
            break
        labels.append(label)
        certain = label in _TLDS
        if len(labels) > 1 and (certain or (label in _WRITTEN_ONLY and not spoken)):
            best = Domain(first, last, tuple(labels), spoken, certain)
        if last + 1 >= len(reading.tokens) or not is_dot(reading, last + 1):
            break
        spoken = spoken or reading.tokens[last + 1].kind is TokenKind.WORD
        position = last + 2
    return best


def label_start(reading: Reading, last: int) -> int:
    """The first token of the label that ends at a token: what is glued to it, or letters spelled one by one."""
    first = last
    while first > 0 and last - first < _MOST_LETTERS:
        glued = reading.tokens[first].glued and (_is_label_piece(reading, first - 1) or reading.norm(first - 1) == "-")
        spelled = _is_letter(reading, first) and _is_letter(reading, first - 1)
        if not glued and not spelled:
            break
        first -= 1
    return first


def _label(reading: Reading, first: int, words: int) -> tuple[str, int]:
    """The label that starts at a token, and its last token; empty when none does."""
    if first >= len(reading.tokens) or not _is_label_piece(reading, first):
        return "", first
    pieces = [reading.norm(first)]
    last = first
    count = 1
    while last + 1 < len(reading.tokens) and len(pieces) < _MOST_LETTERS:
        following = last + 1
        token = reading.tokens[following]
        hyphen = token.norm == "-" and token.glued and _is_label_piece(reading, following + 1)
        glued = token.glued and _is_label_piece(reading, following)
        spelled = _is_letter(reading, last) and _is_letter(reading, following)
        if not (hyphen or glued or spelled):
            if count == words or not _is_label_piece(reading, following) or token.norm in _DOT_WORDS:
                break
            count += 1
        pieces.append(token.norm)
        last = following
    return "".join(pieces), last


def _is_label_piece(reading: Reading, at: int) -> bool:
    return 0 <= at < len(reading.tokens) and reading.tokens[at].kind in {TokenKind.WORD, TokenKind.DIGITS}


def _is_letter(reading: Reading, at: int) -> bool:
    return len(reading.norm(at)) == 1 and reading.tokens[at].kind is TokenKind.WORD
