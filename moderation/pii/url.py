"""Web addresses, written and spoken: "www dot example dot com slash login"."""

from collections.abc import Iterator
from dataclasses import dataclass

from moderation.pii.domain import Domain, is_dot, label_start, read_domain
from moderation.pii.match import PiiMatch
from moderation.pii.reading import Reading
from moderation.pii.tokens import TokenKind

_SCHEMES = frozenset({"http", "https", "ftp"})
_WWW = (("double", "u", "double", "u", "double", "u"), ("triple", "w"))
_PATH_JOINS = frozenset({"slash", "dash", "hyphen", "underscore", "dot"})
_TRAILING = frozenset(".,;:!?)]}\"'\N{RIGHT DOUBLE QUOTATION MARK}\N{HORIZONTAL ELLIPSIS}")
_MOST_PATH_TOKENS = 200


@dataclass(frozen=True, slots=True)
class UrlRecognizer:
    """A domain name with a known ending, what stands before it (https, www) and the path behind it."""

    entity: str = "URL"

    def find(self, reading: Reading, language: str) -> Iterator[PiiMatch]:  # noqa: ARG002  the same in every language
        """Find web addresses."""
        behind = -1
        for at, token in enumerate(reading.tokens):
            if at <= behind or at == 0 or token.norm not in {".", "dot"} or not is_dot(reading, at):
                continue
            first = max(behind + 1, label_start(reading, at - 1))
            domain = read_domain(reading, first, words=1)
            if domain is None or domain.last < at:
                continue
            begin = _prefix(reading, domain.first)
            last = _path(reading, domain.last)
            if not domain.certain and begin == domain.first and last == domain.last:
                continue
            behind = last
            yield self._match(reading, begin, last, domain)

    def _match(self, reading: Reading, first: int, last: int, domain: Domain) -> PiiMatch:
        start, end = reading.span(first, last)
        rule = f"a domain name with a known ending, {'with dots said' if domain.spoken else 'as written'}"
        return PiiMatch(start=start, end=end, entity=self.entity, score=0.85, rule=rule)


def _prefix(reading: Reading, first: int) -> int:
    """Where "https://" or a said "triple w dot" before a domain begins."""
    for letters in _WWW:
        begin = first - len(letters) + 1
        if tuple(reading.norm(at) for at in range(begin, first + 1)) == letters:
            first = begin
    symbols = [reading.norm(at) for at in range(first - 3, first)]
    if symbols in ([":", "/", "/"], ["colon", "slash", "slash"]):
        scheme = first - 4
        if reading.norm(scheme) in _SCHEMES:
            return scheme
        spelled = "".join(reading.norm(at) for at in range(first - 8, first - 3))
        for count in (5, 4):
            if spelled.endswith("https"[:count]) and all(len(reading.norm(first - 4 - at)) == 1 for at in range(count)):
                return first - 3 - count
    return first


def _path(reading: Reading, last: int) -> int:
    """The last token of the path, port or query behind a domain."""
    tokens = reading.tokens
    limit = min(len(tokens), last + _MOST_PATH_TOKENS)
    end = last
    if last + 1 < limit and tokens[last + 1].glued and tokens[last + 1].norm in "/:?#":
        while end + 1 < limit and tokens[end + 1].glued and tokens[end + 1].kind is not TokenKind.MASK:
            end += 1
        while end > last and tokens[end].norm in _TRAILING:
            end -= 1
    if reading.norm(end + 1) == "slash":
        while end + 2 < limit and reading.norm(end + 1) in _PATH_JOINS and tokens[end + 2].kind is TokenKind.WORD:
            end = _chunk_end(reading, end + 2)
    return end


def _chunk_end(reading: Reading, first: int) -> int:
    """The last token of what is glued together, or spelled or numbered, from a token on."""
    last = first
    while last + 1 < len(reading.tokens) and last - first < _MOST_PATH_TOKENS:
        following = reading.tokens[last + 1]
        glued = following.glued and following.kind in {TokenKind.WORD, TokenKind.DIGITS}
        if not glued and last + 1 not in reading.number_at:
            break
        last += 1
    return last
