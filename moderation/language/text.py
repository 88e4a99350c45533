"""langid, restricted to the languages that may be spoken."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version

from langid.langid import LanguageIdentifier
from langid.langid import model as packaged_model

from moderation.errors import ConfigurationError
from moderation.events import primary_tag


class LangidModel:
    """Reads which of the candidates a text is in. Thread-safe: after construction nothing changes any more.

    Short text is unreliable ("hello my friend" is taken for Spanish): callers ask for several words and a high
    probability.
    """

    def __init__(self, candidates: Sequence[str]) -> None:
        """Load langid's own model (0.3 s).

        Raises:
            ConfigurationError: langid does not know a candidate.
        """
        self._identifier = LanguageIdentifier.from_modelstring(packaged_model, norm_probs=True)
        wanted = {primary_tag(tag) for tag in candidates}
        unknown = sorted(wanted - set(self._identifier.nb_classes))
        if unknown or not wanted:
            raise ConfigurationError(
                f"langid does not know {', '.join(unknown) or 'an empty list of languages'}; change "
                "MODERATION_LANGUAGE__CANDIDATES"
            )
        self._identifier.set_languages(sorted(wanted))

    @property
    def source(self) -> str:
        """Model id and version."""
        return f"langid@{version('langid')}"

    def language_probabilities(self, text: str) -> Mapping[str, float]:
        """Probability of each candidate; sums to 1. Empty text gives the prior."""
        return dict(self._identifier.rank(text))
