"""All recognisers over one text."""

from collections.abc import Iterable
from dataclasses import replace

from moderation.errors import ConfigurationError
from moderation.events import UNKNOWN_LANGUAGE
from moderation.pii.match import PiiMatch
from moderation.pii.reading import Reading
from moderation.pii.registry import RECOGNIZERS
from moderation.settings import PiiSettings

RULES_VERSION = "1"
"""Changes when the rules do; part of every detection's source."""


class PiiDetector:
    """Finds the kinds of personal data that the settings name. Immutable and thread-safe."""

    def __init__(self, settings: PiiSettings) -> None:
        """Prepare the recognisers.

        Raises:
            ConfigurationError: a kind or the phone region is not known.
        """
        unknown = sorted(set(settings.entities) - set(RECOGNIZERS))
        if unknown:
            raise ConfigurationError(
                f"pii.entities names {', '.join(unknown)}, which nothing here finds; choose from "
                f"{', '.join(RECOGNIZERS)}"
            )
        self._recognizers = tuple(RECOGNIZERS[entity](settings) for entity in dict.fromkeys(settings.entities))

    @property
    def source(self) -> str:
        """The rules with their version."""
        return f"pii-rules@{RULES_VERSION}"

    def find(self, text: str, language: str | None) -> list[PiiMatch]:
        """Find personal data: matches do not overlap and are sorted by position.

        Numbers and addresses are found in every language, as written and as said in English. Where matches overlap, the
        surer one stands, then the longer one; what the other covers beyond it stays covered. Linear in the length.
        """
        if not text:
            return []
        reading = Reading(text)
        primary = (language or UNKNOWN_LANGUAGE).split("-")[0].lower()
        return _resolve(
            text, (match for recognizer in self._recognizers for match in recognizer.find(reading, primary))
        )


def _resolve(text: str, matches: Iterable[PiiMatch]) -> list[PiiMatch]:
    """Let surer matches cut the others."""
    owner: list[int] = [-1] * len(text)
    ranked = sorted(matches, key=lambda match: (-match.score, match.start - match.end, match.start, match.entity))
    kept: list[PiiMatch] = []
    for number, match in enumerate(ranked):
        position = match.start
        while position < match.end:
            if owner[position] != -1:
                position = ranked[owner[position]].end
                continue
            end = position
            while end < match.end and owner[end] == -1:
                owner[end] = number
                end += 1
            start, stop = _trim(text, position, end)
            if start < stop:
                kept.append(replace(match, start=start, end=stop))
            position = end
    return sorted(kept, key=lambda match: match.start)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """A remainder without the white space and punctuation at its ends; whole matches have none that matters."""
    while start < end and not (text[start].isalnum() or text[start] in "(+"):
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
