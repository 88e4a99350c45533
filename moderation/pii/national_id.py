"""National identity numbers: US SSN and ITIN, UK NINO, Korean RRN, German IdNr, French NIR, Spanish DNI and NIE.

Formats and checksums are python-stdnum's, but for the NINO (HMRC's NIM39110).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.kr import rrn
from stdnum.us import itin, ssn

from moderation.pii.match import PiiMatch
from moderation.pii.reading import DigitRun, Reading
from moderation.pii.tokens import TokenKind

_US_CONTEXT = frozenset({"social", "ssn", "itin", "social security", "security number", "taxpayer"})
_GERMAN_CONTEXT = frozenset(
    {"steuer", "steuernummer", "identifikationsnummer", "steueridentifikationsnummer", "idnr", "tax id", "tax number"}
)
_NINO = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]")


@dataclass(frozen=True, slots=True)
class _Scheme:
    """A kind of number made of digits only. `grouped` is how it is written; `context` what introduces it."""

    name: str
    lengths: frozenset[int]
    is_valid: Callable[[str], bool]
    grouped: frozenset[tuple[int, ...]] = frozenset()
    context: frozenset[str] = frozenset()
    language: str | None = None
    may_be: Callable[[str], bool] = bool
    """A cheap look before anything else."""
    checked: bool = False
    """Whether a checksum makes an accidental match unlikely."""


_SCHEMES = (
    _Scheme("US social security number", frozenset({9}), lambda digits: ssn.is_valid(digits) or itin.is_valid(digits),
            grouped=frozenset({(3, 2, 4)}), context=_US_CONTEXT),
    _Scheme("Korean resident number", frozenset({13}), lambda digits: _is_rrn(digits),  # noqa: PLW0108  it is defined below
            grouped=frozenset({(6, 7)}), checked=True, may_be=lambda digits: _starts_with_birth_date(digits)),  # noqa: PLW0108
    _Scheme("French social security number", frozenset({15}), nir.is_valid, checked=True,
            may_be=lambda digits: digits[0] in "12"),
    _Scheme("German tax number", frozenset({11}), idnr.is_valid, context=_GERMAN_CONTEXT, language="de"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NationalIdRecognizer:
    """Digits and letters that pass a country's checks; weak checks need the right grouping or introduction."""

    entity: str = "NATIONAL_ID"

    def find(self, reading: Reading, language: str) -> Iterator[PiiMatch]:
        """Find identity numbers."""
        for run in reading.runs:
            count = len(run.digits)
            if count >= 9:
                yield from self._digits_only(reading, run, language)
            if 6 <= count <= 8:
                yield from self._with_letters(reading, run)

    def _digits_only(self, reading: Reading, run: DigitRun, language: str) -> Iterator[PiiMatch]:
        first, last = run.atoms[0].first, run.atoms[-1].last
        for scheme in _SCHEMES:
            introduced = bool(scheme.context) and reading.says_near(first, last, scheme.context)
            if introduced and len(run.digits) in scheme.lengths:
                valid = scheme.is_valid(run.digits)
                rule = f"{scheme.name}, introduced as one" + ("" if valid else ", not valid as heard")
                yield self._match(reading, first, last, 0.95 if valid else 0.85, rule)
                continue
            for part in run.windows(scheme.lengths, scheme.may_be):
                groups = tuple(len(atom.digits) for atom in part.atoms)
                evident = introduced or scheme.checked or groups in scheme.grouped or scheme.language == language
                if evident and (scheme.is_valid(part.digits) or (groups == (6, 7) and groups in scheme.grouped)):
                    rule = f"{scheme.name}, {'valid' if scheme.checked else 'valid and grouped or introduced like one'}"
                    yield self._match(reading, part.atoms[0].first, part.atoms[-1].last, 0.85, rule)
                    break

    def _with_letters(self, reading: Reading, run: DigitRun) -> Iterator[PiiMatch]:
        first, last = run.atoms[0].first, run.atoms[-1].last
        suffix = _letter(reading, last + 1)
        if not suffix:
            return
        if len(run.digits) == 8 and dni.is_valid(run.digits + suffix):
            yield self._match(reading, first, last + 1, 0.9, "Spanish DNI, valid")
        prefix = first - 2 if reading.norm(first - 1) == "-" else first - 1
        one = _letter(reading, prefix)
        if len(run.digits) == 7 and one and nie.is_valid(one + run.digits + suffix):
            yield self._match(reading, prefix, last + 1, 0.9, "Spanish NIE, valid")
        two, begin = _two_letters(reading, first - 1)
        if len(run.digits) == 6 and two and _NINO.fullmatch(two + run.digits + suffix):
            yield self._match(reading, begin, last + 1, 0.9, "UK national insurance number, valid")

    def _match(self, reading: Reading, first: int, last: int, score: float, rule: str) -> PiiMatch:
        start, end = reading.span(first, last)
        return PiiMatch(start=start, end=end, entity=self.entity, score=score, rule=rule)


def _letter(reading: Reading, at: int) -> str:
    """The single letter at a token, upper-case; empty when there is none."""
    norm = reading.norm(at)
    return norm.upper() if len(norm) == 1 and reading.tokens[at].kind is TokenKind.WORD and norm.isascii() else ""


def _two_letters(reading: Reading, at: int) -> tuple[str, int]:
    norm = reading.norm(at)
    if len(norm) == 2 and norm.isascii() and norm.isalpha():
        return norm.upper(), at
    one, two = _letter(reading, at - 1), _letter(reading, at)
    return (one + two, at - 1) if one and two else ("", at)


def _is_rrn(digits: str) -> bool:
    """Valid by date and checksum; numbers given out since October 2020 have none."""
    if rrn.is_valid(digits):
        return True
    return digits[6] in "34" and 20 <= int(digits[:2]) <= 40 and _starts_with_birth_date(digits)


def _starts_with_birth_date(digits: str) -> bool:
    return "01" <= digits[2:4] <= "12" and "01" <= digits[4:6] <= "31"
