"""IP addresses, written and spoken."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from moderation.pii.match import PiiMatch
from moderation.pii.reading import Reading
from moderation.pii.tokens import TokenKind

_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{6,39}(?![\w:])")
_CONTEXT = frozenset({"ip", "server", "address", "connect", "ping", "host", "router", "localhost"})
_VERSIONS = frozenset({"version", "v", "patch", "build", "update", "release", "section", "chapter"})
_PAUSES = frozenset(",-")
_MOST_TOKENS_BETWEEN = 6
_DOT_WORDS = frozenset({"dot", "point", "period", "punkt", "punto"})


@dataclass(frozen=True, slots=True)
class IpAddressRecognizer:
    """Four octets with dots between them, in digits or words, and IPv6 as written."""

    entity: str = "IP_ADDRESS"

    def find(self, reading: Reading, language: str) -> Iterator[PiiMatch]:  # noqa: ARG002  the same in every language
        """Find addresses."""
        yield from self._ipv4(reading)
        if reading.text.count(":") < 2:
            return
        for found in _IPV6.finditer(reading.text):
            if _is_ipv6(found.group()):
                yield self._match(*found.span(), 0.95, "a valid IPv6 address")

    def _ipv4(self, reading: Reading) -> Iterator[PiiMatch]:
        position = 0
        numbers = reading.numbers
        while position < len(numbers):
            octets, following, spaced = _dotted(reading, position)
            if len(octets) == 4 and all(len(octet) <= 3 and int(octet) <= 255 for octet in octets):
                first, last = numbers[position].first, numbers[following - 1].last
                introduced = reading.says_near(first, last, _CONTEXT)
                versioned = reading.norm(first - 1) in _VERSIONS
                if not versioned and (introduced or not spaced):
                    yield self._match(*reading.span(first, last), 0.9, "four numbers from 0 to 255 with dots between")
            elif following - position >= 3:
                yield from self._mangled(reading, position, following)
            position = following

    def _mangled(self, reading: Reading, position: int, following: int) -> Iterator[PiiMatch]:
        """Numbers with dots that a recogniser set anyhow, where an address was announced."""
        numbers = reading.numbers[position:following]
        first, last = numbers[0].first, numbers[-1].last
        digits = sum(len(number.digits) for number in numbers)
        announced = reading.says_near(first, last, _CONTEXT) and not reading.says_near(first, last, _VERSIONS, before=3)
        if announced and 6 <= digits <= 12:
            rule = "numbers with dots between, introduced as an address"
            yield self._match(*reading.span(first, last), 0.6, rule)

    def _match(self, start: int, end: int, score: float, rule: str) -> PiiMatch:
        return PiiMatch(start=start, end=end, entity=self.entity, score=score, rule=rule)


def _dotted(reading: Reading, position: int) -> tuple[list[str], int, bool]:
    """Numbers with dots between them, from one on; the number after them; whether a dot may have ended a sentence."""
    numbers = reading.numbers
    octets = [numbers[position].digits]
    spaced = False
    following = position + 1
    while following < len(numbers):
        between = reading.tokens[numbers[following - 1].last + 1 : numbers[following].first]
        dots = [token for token in between if token.norm == "." or token.norm in _DOT_WORDS]
        others = [token for token in between if token not in dots]
        if len(between) > _MOST_TOKENS_BETWEEN or any(token.norm not in _PAUSES for token in others):
            break
        if dots:
            octets.append(numbers[following].digits)
            written = [token for token in dots if token.kind is TokenKind.SYMBOL]
            next_glued = reading.tokens[numbers[following].first].glued
            spaced = spaced or (len(written) == len(dots) and not next_glued)
        elif not between or others:
            later = numbers[following]
            joined = octets[-1] + later.digits
            # "One ninety two" is said in parts; 7 415 is not an octet, nor is anything above 255.
            in_parts = later.spoken or len(later.digits) == 1
            if not in_parts or len(joined) > 3 or int(joined) > 255:
                break
            octets[-1] = joined
        following += 1
    return octets, following, spaced


def _is_ipv6(text: str) -> bool:
    if sum(character != ":" for character in text) < 3:
        return False
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return False
