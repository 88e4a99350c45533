"""What was sent where, and the dead letters that came of it. Pure; a few bytes a message."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from loadtest.hostile_forge import ACCEPTED, Case, Envelope

_EXAMPLES = 20


@dataclass(slots=True)
class _Partition:
    """By offset: 1 + the number of the case (0: not hostile), 1 + that of the code (0: none), a checksum."""

    cases: "array[int]" = field(default_factory=lambda: array("H"))
    codes: "array[int]" = field(default_factory=lambda: array("B"))
    sums: "array[int]" = field(default_factory=lambda: array("L"))

    def reach(self, offset: int) -> None:
        missing = offset + 1 - len(self.cases)
        if missing > 0:
            self.cases.extend([0] * missing)
            self.codes.extend([0] * missing)
            self.sums.extend([0] * missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The comparison of dead letters with what was sent. A message counts once, however often it was refused."""

    sent: int
    refused: int
    accepted: int
    by_code: dict[str, int]
    redelivered_letters: int
    """Dead letters of a message that already had one."""
    missing: int
    """Messages that had to be refused and were not."""
    unexpected: int
    """Messages that were refused though nothing was wrong, or with a code that does not fit."""
    innocent: int
    """Messages of honest streams that were refused."""
    altered: int
    """Dead letters that do not hold the original key and value."""
    examples: dict[str, int]
    """What was wrong, by case and code, and how often; the most frequent."""

    @property
    def is_right(self) -> bool:
        """Whether every message became exactly what it had to."""
        return not (self.missing or self.unexpected or self.innocent or self.altered)

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "hostile_sent": self.sent,
            "refused": self.refused,
            "accepted": self.accepted,
            "dead_letters_by_code": self.by_code,
            "dead_letters_redelivered": self.redelivered_letters,
            "dead_letters_missing": self.missing,
            "dead_letters_unexpected": self.unexpected,
            "dead_letters_of_good_streams": self.innocent,
            "dead_letters_altered": self.altered,
            "wrong": self.examples,
        }


class Ledger:
    """Told what the broker confirmed and what was refused, in any order."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self._cases = cases
        self._numbers = {case.name: number for number, case in enumerate(cases, 1)}
        self._codes: list[str] = [ACCEPTED]
        self._partitions: defaultdict[int, _Partition] = defaultdict(_Partition)
        self._wrong: Counter[str] = Counter()
        self._redelivered = 0
        self.letters = 0
        """Dead letters heard of."""

    def sent(self, partition: int, first_offset: int, messages: Iterable[tuple[Case, int]]) -> None:
        """Messages lie at these offsets, one after another: the case of each, and the checksum of its envelope."""
        book = self._partitions[partition]
        for offset, (case, checksum) in enumerate(messages, first_offset):
            book.reach(offset)
            book.cases[offset] = self._numbers[case.name]
            # Whichever comes first leaves its checksum; the other compares.
            self._compare(book, offset, checksum)

    def refused(self, partition: int, offset: int, code: str, checksum: int | None) -> None:
        """A dead letter came. `checksum` is of its key and value; None when the value was too large to be kept."""
        self.letters += 1
        book = self._partitions[partition]
        book.reach(offset)
        if book.codes[offset]:
            self._redelivered += 1
            return
        if code not in self._codes:
            self._codes.append(code)
        book.codes[offset] = self._codes.index(code) + 1
        if checksum is not None:
            self._compare(book, offset, checksum)

    def case_at(self, partition: int, offset: int) -> str:
        """The name of the case that lies there."""
        cases = self._partitions[partition].cases
        number = cases[offset] if offset < len(cases) else 0
        return self._cases[number - 1].name if number else "an honest chunk"

    def _compare(self, book: _Partition, offset: int, checksum: int) -> None:
        if book.sums[offset] and book.sums[offset] != checksum:
            self._wrong["altered"] += 1
        book.sums[offset] = checksum

    def account(self) -> Account:
        """The state of things."""
        sent = refused = missing = unexpected = innocent = 0
        by_code: Counter[str] = Counter()
        wrong: Counter[str] = Counter()
        for book in self._partitions.values():
            for number, mark in zip(book.cases, book.codes, strict=True):
                code = self._codes[mark - 1] if mark else ACCEPTED
                by_code[code] += 1 if mark else 0
                if number == 0:
                    innocent += 1 if mark else 0
                    continue
                case = self._cases[number - 1]
                sent += 1
                refused += 1 if mark else 0
                if code not in case.outcomes:
                    wrong[f"{case.name}: {code}"] += 1
                    missing += 0 if mark else 1
                    unexpected += 1 if mark else 0
        return Account(
            sent=sent,
            refused=refused,
            accepted=sent - refused,
            by_code={code: count for code, count in sorted(by_code.items()) if count},
            redelivered_letters=self._redelivered,
            missing=missing,
            unexpected=unexpected,
            innocent=innocent,
            altered=self._wrong["altered"],
            examples=dict(wrong.most_common(_EXAMPLES)),
        )


def checksum_of(key: bytes | None, value: bytes | None) -> int:
    """A checksum of what a dead letter must hold unchanged; never 0."""
    return crc32(value or b"", crc32(repr(key).encode())) or 1


def checksum_of_envelope(envelope: Envelope) -> int:
    """The checksum of a message as it is sent."""
    return checksum_of(envelope.key, envelope.value)
