"""Looking for one kind of personal data at a time."""

from collections.abc import Callable

import pytest

from moderation.pii.detector import PiiDetector
from moderation.settings import PiiSettings

Find = Callable[..., list[str]]


@pytest.fixture
def find() -> Find:
    """Find one entity in a text: the matched parts."""

    def find_one(entity: str, text: str, language: str = "en", region: str = "US") -> list[str]:
        detector = PiiDetector(PiiSettings(entities=[entity], default_region=region))
        matches = detector.find(text, language)
        assert all(match.entity == entity for match in matches)
        return [text[match.start : match.end] for match in matches]

    return find_one
