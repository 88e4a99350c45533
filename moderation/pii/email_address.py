"""E-mail addresses, written and spoken: "john dot doe at gmail dot com", "j.doe@example.org"."""

from collections.abc import Iterator
from dataclasses import dataclass

from moderation.pii.domain import Domain, read_domain
from moderation.pii.match import PiiMatch
from moderation.pii.reading import HESITATIONS, Reading
from moderation.pii.tokens import TokenKind
from moderation.pii.word_lists import read_words

_CONTEXT = frozenset({"email", "mail", "e-mail", "gmail", "address", "adresse", "correo", "courriel", "\uba54\uc77c"})
_ANNOUNCED = frozenset({"email", "mail", "gmail"})
_PROVIDERS = frozenset({"gmail", "googlemail", "hotmail", "yahoo", "outlook", "icloud", "protonmail", "gmx", "aol"})
_CONNECTORS = frozenset({"dot", "underscore", "dash", "hyphen", "minus", "plus", "period", "punkt", "punto"})
_CONNECTING_SYMBOLS = frozenset("._-+")
_LEADS = frozenset(
    {
        "is",
        "it's",
        "email",
        "mail",
        "address",
        "to",
        "me",
        "that's",
        "name's",
        "ist",
        "es",
        "est",
        "under",
        "use",
        "was",
    }
)
"""What an address may follow at once; all words behind it belong to the address."""
_STOPS = _LEADS | HESITATIONS | frozenset(
    {
        "the", "a", "an", "my", "your", "his", "her", "their", "our", "its", "this", "that", "these", "those", "i",
        "you", "he", "she", "it", "we", "they", "him", "them", "us", "and", "or", "but", "so", "then", "on", "in",
        "of", "for", "from", "by", "with", "at", "as", "look", "looking", "go", "going", "find", "found", "check",
        "sign", "signed", "up", "meet", "stream", "streams", "streaming", "live", "play", "playing", "buy",
        "available", "visit", "work", "works", "working", "watch", "write", "send", "contact", "reach", "are", "be",
        "been", "have", "has", "do", "just", "out", "down", "here", "there", "now", "please", "stuff", "things",
        "shop", "order", "ordered", "not", "see", "read", "start", "login", "log", "register", "registered",
        "account", "site", "website", "page", "channel", "video", "hey", "like", "people", "guys", "everyone",
        "called", "can", "will", "would", "yes", "no", "okay", "ok", "well", "say",
    }
)  # fmt: skip
_MOST_TOKENS = 40
_MOST_LOOSE_WORDS = 3


@dataclass(frozen=True, slots=True)
class EmailRecognizer:
    """Something before an "at", and a domain behind it.

    "Tickets at example dot com" is no address: an everyday word (`common`) before an "at" that is said needs more to go
    by, a mail provider or the topic.
    """

    common: frozenset[str]
    entity: str = "EMAIL"

    @classmethod
    def shipped(cls) -> "EmailRecognizer":
        """With the list of everyday words that comes with the package."""
        return cls(common=read_words("common_words"))

    def find(self, reading: Reading, language: str) -> Iterator[PiiMatch]:  # noqa: ARG002  the same in every language
        """Find addresses."""
        for at, token in enumerate(reading.tokens):
            if token.norm in {"@", "at"}:
                found = self._around(reading, at)
            elif token.norm in _ANNOUNCED:
                found = self._announced(reading, at)
            else:
                continue
            if found is not None:
                yield found

    def _around(self, reading: Reading, at: int) -> PiiMatch | None:
        written = reading.tokens[at].norm == "@"
        domain = read_domain(reading, at + 1, words=3)
        last = domain.last if domain else self._provider(reading, at)
        if last is None or (domain is not None and not domain.certain and not written):
            return None
        first = _local_part(reading, at - 1)
        if first is None or (domain is not None and not written and not self._is_meant(reading, first, at, domain)):
            return None
        start, end = reading.span(first, last)
        how = "in symbols" if written else "with 'at' said"
        rule = f"a name and a domain, {how}" if domain else f"a name and a mail provider, {how}"
        return PiiMatch(start=start, end=end, entity=self.entity, score=0.95 if domain else 0.7, rule=rule)

    def _announced(self, reading: Reading, topic: int) -> PiiMatch | None:
        """`my email is maria99edexample.org`: the recogniser heard the "at" as a part of the name."""
        is_at = topic + (2 if reading.norm(topic + 1) in {"address", "adresse"} else 1)
        if reading.norm(is_at) not in {"is", "ist", "est", "es", ":"}:
            return None
        domain = read_domain(reading, is_at + 1, words=3)
        if domain is None or not domain.certain or reading.norm(domain.last + 1) in {"@", "at", "/", "slash"}:
            return None
        start, end = reading.span(domain.first, domain.last)
        rule = "a domain where an address was announced"
        return PiiMatch(start=start, end=end, entity=self.entity, score=0.9, rule=rule)

    def _is_meant(self, reading: Reading, first: int, at: int, domain: Domain) -> bool:
        """Whether a said "at" joins a name to a domain rather than telling where something is."""
        if _PROVIDERS.intersection(domain.labels) or reading.says_near(at, at, _CONTEXT, before=10):
            return True
        if reading.norm(domain.last + 1) in {"/", "slash"}:
            return False
        return any(_is_short(reading, before) or _connects(reading, before) for before in range(first, at)) or (
            reading.norm(at - 1) not in self.common and reading.norm(at - 1) != ","
        )

    def _provider(self, reading: Reading, at: int) -> int | None:
        """The token of a mail provider whose ending was left out, where mail was the topic or the name has dots."""
        if reading.norm(at + 1) not in _PROVIDERS:
            return None
        dotted = at > 2 and _connects(reading, at - 2)
        return at + 1 if dotted or reading.says_near(at, at, _CONTEXT, after=0) else None


def _local_part(reading: Reading, last: int) -> int | None:
    """The first token of the name that ends at a token; None when it is no name."""
    first: int | None = None
    connected = False
    loose = 0
    for at in range(last, max(-1, last - _MOST_TOKENS), -1):
        token = reading.tokens[at]
        if first is not None and _connects(reading, at):
            connected = True
            continue
        if _is_skipped(reading, at, first):
            continue
        if token.kind not in {TokenKind.WORD, TokenKind.DIGITS}:
            break
        joined = connected or (first is not None and reading.tokens[at + 1].glued)
        if not joined and token.norm in _STOPS and not _is_spelled(reading, at):
            break
        if first is not None and not joined and not (_is_short(reading, at) or _is_short(reading, first)):
            loose += 1
            if loose > _MOST_LOOSE_WORDS or not _led(reading, at, _MOST_LOOSE_WORDS - loose + 1):
                break
        first = at
        connected = False
    return first


def _connects(reading: Reading, at: int) -> bool:
    token = reading.tokens[at]
    if token.kind is TokenKind.WORD:
        return token.norm in _CONNECTORS
    return token.norm in _CONNECTING_SYMBOLS and (token.glued or reading.tokens[at + 1].glued)


def _is_skipped(reading: Reading, at: int, first: int | None) -> bool:
    """A pause within a spelled name, or between the name and the "at"."""
    norm = reading.norm(at)
    if norm in HESITATIONS and at > 0 and _connects(reading, at - 1):
        return True
    return (norm == "," or norm in HESITATIONS) and (
        first is None or _is_short(reading, at - 1) or _is_short(reading, first)
    )


def _is_short(reading: Reading, at: int) -> bool:
    """A letter or a number: people string these together without saying "dot"."""
    return at in reading.number_at or (len(reading.norm(at)) == 1 and reading.norm(at).isalnum())


def _is_spelled(reading: Reading, at: int) -> bool:
    """The words "a" and "i" as letters among letters."""
    return len(reading.norm(at)) == 1 and (len(reading.norm(at - 1)) == 1 or len(reading.norm(at + 1)) == 1)


def _led(reading: Reading, at: int, words: int) -> bool:
    """Whether a lead such as "is" stands at most some words before a token, with nothing else between."""
    for before in range(at - 1, at - 1 - words, -1):
        norm = reading.norm(before)
        if norm in _LEADS or norm == ":":
            return True
        if not norm or norm in _STOPS or reading.tokens[before].kind is not TokenKind.WORD:
            return False
    return False
