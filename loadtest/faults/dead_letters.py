"""The dead letters of a run against the poison that was sent. Pure."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from loadtest.faults.topics import Place
from moderation.events import DeadLetter


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterCheck:
    """Places are partition and offset in the audio topic; each counts once."""

    expected: int
    seen: int
    missing: tuple[Place, ...]
    """Poison without a dead letter."""
    unexpected: dict[Place, str]
    """Dead letters of messages that were sound, with their codes."""
    redelivered: int
    """Dead letters beyond the first of each place."""

    @property
    def is_clean(self) -> bool:
        """Whether the dead letters are exactly the poison."""
        return not (self.missing or self.unexpected)


def check_dead_letters(poison: AbstractSet[Place], letters: Iterable[DeadLetter]) -> DeadLetterCheck:
    """Match by place."""
    told = list(letters)
    codes = {(letter.partition, letter.offset): letter.code for letter in told}
    return DeadLetterCheck(
        expected=len(poison),
        seen=len(codes),
        missing=tuple(sorted(poison - codes.keys())),
        unexpected={place: code for place, code in sorted(codes.items()) if place not in poison},
        redelivered=len(told) - len(codes),
    )
