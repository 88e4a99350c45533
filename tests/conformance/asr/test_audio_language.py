"""Whisper as an AudioLanguageModel: what the Protocol in moderation/language/identifier.py promises."""

import numpy as np
import pytest

from moderation.asr.engine import Samples
from moderation.asr.whisper.engine import WhisperEngine
from moderation.errors import ConfigurationError


def test_english_is_heard_as_english(base: WhisperEngine, english: Samples) -> None:
    assert base.language_probabilities(english)["en"] > 0.9


@pytest.mark.parametrize("seconds", [0, 0.1, 3, 40])
def test_any_audio_gives_probabilities_that_sum_to_one(base: WhisperEngine, seconds: float) -> None:
    probabilities = base.language_probabilities(np.zeros(int(seconds * 16_000), dtype=np.float32))
    assert sum(probabilities.values()) == pytest.approx(1.0, abs=1e-3)
    assert all(probability >= 0 for probability in probabilities.values())


def test_every_tag_is_one_that_the_engine_recognises(base: WhisperEngine, english: Samples) -> None:
    assert set(base.language_probabilities(english)) == base.capabilities.languages


def test_without_a_language_the_spoken_one_is_recognised(base: WhisperEngine, english: Samples) -> None:
    recognizer = base.recognizer(stream_id="s", language=None)
    recognizer.accept(english)
    assert recognizer.finish().language == "en"


def test_a_model_that_knows_english_only_cannot_tell_languages_apart(tiny: WhisperEngine, english: Samples) -> None:
    with pytest.raises(ConfigurationError, match="whisper:base"):
        tiny.language_probabilities(english)


def test_it_names_its_model_and_version(base: WhisperEngine) -> None:
    assert base.source == "whisper:base@test"
