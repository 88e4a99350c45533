from pathlib import Path
from typing import Any

import pytest

from moderation.asr.engine import EngineCapabilities
from moderation.asr.select import EngineSet, InstalledModel
from moderation.errors import ConfigurationError, ModelMissing


class Engine:
    """Remembers how often it was closed."""

    def __init__(self, name: str, model: InstalledModel) -> None:
        self.name = name
        self.model_version = model.version
        self.closed = 0
        self.capabilities = EngineCapabilities(
            partials=False, word_times=True, word_confidence=True, languages=model.languages
        )

    def recognizer(self, *, stream_id: str, language: str | None) -> Any:
        raise AssertionError

    def close(self) -> None:
        self.closed += 1


PREFERENCES = {"en": ["whisper:tiny.en", "whisper:base"], "*": ["whisper:base"]}
BASE = InstalledModel(path=Path("base"), version="1", languages=None)
TINY = InstalledModel(path=Path("tiny"), version="2", languages=frozenset({"en"}))


@pytest.fixture
def loaded() -> list[str]:
    return []


def engine_set(loaded: list[str], installed: dict[str, InstalledModel]) -> EngineSet:
    def load(name: str, model: InstalledModel) -> Engine:
        loaded.append(name)
        return Engine(name, model)

    return EngineSet(PREFERENCES, installed=installed, factories={"whisper": load})


def test_an_engine_is_loaded_once_and_when_it_is_needed(loaded: list[str]) -> None:
    engines = engine_set(loaded, {"whisper:base": BASE, "whisper:tiny.en": TINY})
    assert loaded == []
    assert engines.for_language("de") is engines.for_language("fr-CA") is engines.engine("whisper:base")
    assert engines.for_language("en").name == "whisper:tiny.en"
    assert loaded == ["whisper:base", "whisper:tiny.en"]
    assert [engine.name for engine in engines.loaded()] == loaded


def test_preloading_finds_out_what_is_missing_before_it_loads_anything(loaded: list[str]) -> None:
    engines = engine_set(loaded, {"whisper:tiny.en": TINY})
    with pytest.raises(ModelMissing, match="moderation models fetch whisper:base"):
        engines.preload(["en", "de"])
    assert loaded == []
    engines.preload(["en", "en-GB"])
    assert loaded == ["whisper:tiny.en"]


def test_a_language_without_an_engine_says_why(loaded: list[str]) -> None:
    with pytest.raises(ModelMissing, match="no speech engine for 'de': whisper:base is not installed"):
        engine_set(loaded, {}).for_language("de")


def test_an_engine_that_is_not_installed_names_its_command(loaded: list[str]) -> None:
    with pytest.raises(ModelMissing, match="moderation models fetch whisper:base"):
        engine_set(loaded, {}).engine("whisper:base")


@pytest.mark.parametrize("name", ["whisper", "whisper:", "siri:base", ""])
def test_an_engine_that_does_not_exist_is_refused_at_once(name: str) -> None:
    with pytest.raises(ConfigurationError, match="MODERATION_ASR__ENGINES"):
        EngineSet({"en": [name]}, installed={}, factories={"whisper": Engine})


def test_the_choices_are_explained_without_loading(loaded: list[str]) -> None:
    choices = engine_set(loaded, {"whisper:base": BASE}).explain(["en", "de"])
    assert [(choice.language, choice.engine) for choice in choices] == [("en", "whisper:base"), ("de", "whisper:base")]
    assert [passed.engine for passed in choices[0].passed_over] == ["whisper:tiny.en"]
    assert loaded == []


def test_closing_closes_every_engine_once(loaded: list[str]) -> None:
    engines = engine_set(loaded, {"whisper:base": BASE})
    engine = engines.for_language("de")
    engines.close()
    engines.close()
    assert engine.closed == 1  # type: ignore[attr-defined]
