"""What every recogniser of personal data offers."""

from collections.abc import Iterable
from typing import Protocol

from moderation.pii.match import PiiMatch
from moderation.pii.reading import Reading


class EntityRecognizer(Protocol):
    """Finds one kind of personal data. Immutable and thread-safe; linear in the length of the text."""

    @property
    def entity(self) -> str:
        """The kind, e.g. `PHONE`: upper-case letters and underscores; `[PHONE]` is what masks it."""
        ...

    def find(self, reading: Reading, language: str) -> Iterable[PiiMatch]:
        """Find matches, which may overlap. `language` is a primary BCP-47 tag, `und` when unknown."""
        ...
