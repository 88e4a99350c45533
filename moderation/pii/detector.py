"""All recognisers over one text."""

from moderation.errors import ConfigurationError
from moderation.events import UNKNOWN_LANGUAGE
from moderation.pii.match import PiiMatch
from moderation.pii.reading import Reading
from moderation.pii.registry import RECOGNIZERS
from moderation.pii.resolve import resolve
from moderation.settings import PiiSettings

RULES_VERSION = "2"
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
        found = (match for recognizer in self._recognizers for match in recognizer.find(reading, primary))
        return resolve(reading, found)
