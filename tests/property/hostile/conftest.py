"""What a worker decodes with, without a broker around it."""

import pytest

from moderation.audio.vad import SileroVad
from moderation.contracts.codecs import Codecs, load_codecs
from moderation.settings import Settings


@pytest.fixture(scope="session")
def vad() -> SileroVad:
    return SileroVad()


@pytest.fixture(scope="session")
def codecs() -> Codecs:
    return load_codecs(Settings())
