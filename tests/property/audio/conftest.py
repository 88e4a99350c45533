"""The voice activity model, loaded once."""

import pytest

from moderation.audio.vad import SileroVad


@pytest.fixture(scope="session")
def vad() -> SileroVad:
    return SileroVad()
