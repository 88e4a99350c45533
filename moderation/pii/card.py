"""Payment card numbers, written and spoken."""

from collections.abc import Iterator
from dataclasses import dataclass

from stdnum import luhn

from moderation.pii.match import PiiMatch
from moderation.pii.reading import DigitRun, Reading

_LENGTHS = frozenset(range(13, 20))
_CONTEXT = frozenset(
    {"card", "visa", "mastercard", "amex", "credit", "debit", "discover", "karte", "kreditkarte", "carte", "tarjeta"}
)


@dataclass(frozen=True, slots=True)
class CardRecognizer:
    """Digits of an issuer's range and length that pass the Luhn check (ISO/IEC 7812-1).

    One digit may have been misheard, so the check is not asked of digits that are introduced as a card, from half a
    number on, nor of an issuer's sixteen digits in groups of four. Other long numbers that are read out are left to
    the phone recogniser, which is less choosy.
    """

    entity: str = "CARD"

    def find(self, reading: Reading, language: str) -> Iterator[PiiMatch]:  # noqa: ARG002  the same in every language
        """Find card numbers."""
        for run in reading.runs:
            if len(run.digits) >= 7:
                yield from self._in_run(reading, run)

    def _in_run(self, reading: Reading, run: DigitRun) -> Iterator[PiiMatch]:
        behind = -1
        for part in run.windows(_LENGTHS, lambda digits: _issuer_accepts(digits) and luhn.is_valid(digits)):
            if part.atoms[0].first > behind:
                behind = part.atoms[-1].last
                yield self._match(reading, part, 0.95, f"{len(part.digits)} digits of an issuer's range, checksum met")
        if behind >= 0:
            return
        count = len(run.digits)
        if reading.says_near(run.atoms[0].first, run.atoms[-1].last, _CONTEXT) and not run.is_counting:
            yield self._match(reading, run, 0.7 if count >= 14 else 0.5, f"{count} digits, introduced as a card")
        elif tuple(len(atom.digits) for atom in run.atoms) == (4, 4, 4, 4) and _issuer_accepts(run.digits):
            yield self._match(reading, run, 0.6, "an issuer's digits in groups of four, checksum not met")

    def _match(self, reading: Reading, run: DigitRun, score: float, rule: str) -> PiiMatch:
        start, end = reading.run_span(run)
        return PiiMatch(start=start, end=end, entity=self.entity, score=score, rule=rule)


def _issuer_accepts(digits: str) -> bool:
    """Whether an issuer gives out numbers with this beginning and length."""
    two, three, four, count = int(digits[:2]), int(digits[:3]), int(digits[:4]), len(digits)
    if digits[0] == "4":  # Visa
        return count in {13, 16, 19}
    if 51 <= two <= 55 or 2221 <= four <= 2720:  # Mastercard
        return count == 16
    if two in {34, 37}:  # American Express
        return count == 15
    if two in {36, 38, 39} or 300 <= three <= 305:  # Diners Club
        return count in {14, 16, 19}
    # Discover, JCB, UnionPay, Maestro
    return (four == 6011 or two in {65, 35, 62, 50, 56, 57, 58, 63, 67} or 644 <= three <= 649) and count >= 16
