"""The engines of a process: loaded when first needed, one of each, found by language or by name."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from moderation.asr.choice import EngineChoice, Languages, choose_engine
from moderation.asr.engine import SpeechEngine
from moderation.errors import ConfigurationError, ModelMissing


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledModel:
    """A model folder on this machine. `languages` are primary BCP-47 tags, None for any."""

    path: Path
    version: str
    languages: Languages


EngineFactory = Callable[[str, InstalledModel], SpeechEngine]
"""Loads an engine, given its full name (`whisper:base`) and its model."""


def fetch_command(engine: str) -> str:
    """The command that installs an engine's model."""
    return f"moderation models fetch {engine}"


class EngineSet:
    """Thread-safe. An engine is loaded once, at the first call that needs it; other callers wait for it."""

    def __init__(
        self,
        preferences: Mapping[str, Sequence[str]],
        *,
        installed: Mapping[str, InstalledModel],
        factories: Mapping[str, EngineFactory],
        install_command: Callable[[str], str] = fetch_command,
    ) -> None:
        """Loads nothing.

        `preferences` is `AsrSettings.engines`; `installed` maps full names to models; `factories` maps the part before
        the colon (`whisper`, `vosk`) to what loads it.

        Raises:
            ConfigurationError: the preferences name an engine that does not exist.
        """
        self._preferences = preferences
        self._installed = installed
        self._factories = factories
        self._install_command = install_command
        self._lock = threading.Lock()
        self._engines: dict[str, SpeechEngine] = {}
        for name in {name for names in preferences.values() for name in names}:
            self._factory(name)

    def choice(self, language: str) -> EngineChoice:
        """Which engine serves a language, and why not the ones before it."""
        known = {name: model.languages for name, model in self._installed.items()}
        return choose_engine(language, self._preferences, known)

    def explain(self, languages: Iterable[str]) -> tuple[EngineChoice, ...]:
        """The choice for each language, for people: `moderation doctor` and the log."""
        return tuple(self.choice(language) for language in languages)

    def for_language(self, language: str) -> SpeechEngine:
        """The engine for a language; loads it when needed, which takes seconds.

        Raises:
            ModelMissing: nothing that is installed serves the language; the message says what to install.
            ConfigurationError: the model cannot be loaded.
        """
        return self.engine(self._required(language))

    def engine(self, name: str) -> SpeechEngine:
        """The engine of that full name; loads it when needed.

        Raises:
            ModelMissing: its model is not installed.
            ConfigurationError: there is no such engine, or its model cannot be loaded.
        """
        with self._lock:
            if name not in self._engines:
                factory = self._factory(name)
                if name not in self._installed:
                    raise ModelMissing(f"the model {name} is not installed; run `{self._install_command(name)}`")
                self._engines[name] = factory(name, self._installed[name])
            return self._engines[name]

    def preload(self, languages: Iterable[str]) -> None:
        """Load the engines of these languages now, so that no utterance waits.

        Raises:
            ModelMissing: a language has no engine; found out for all languages before anything is loaded.
            ConfigurationError: as `for_language`.
        """
        for name in dict.fromkeys([self._required(language) for language in languages]):
            self.engine(name)

    def loaded(self) -> tuple[SpeechEngine, ...]:
        """The engines that are loaded."""
        with self._lock:
            return tuple(self._engines.values())

    def close(self) -> None:
        """Close every engine. Harmless when called twice."""
        with self._lock:
            for engine in self._engines.values():
                engine.close()
            self._engines.clear()

    def _required(self, language: str) -> str:
        choice = self.choice(language)
        if choice.engine is not None:
            return choice.engine
        if not choice.passed_over:
            raise ModelMissing(f"no engine is named for {language!r}; name one in MODERATION_ASR__ENGINES")
        reasons = "; ".join(f"{passed.engine} {passed.reason}" for passed in choice.passed_over)
        command = self._install_command(choice.passed_over[0].engine)
        raise ModelMissing(
            f"no speech engine for {language!r}: {reasons}. Run `{command}`, or change "
            "MODERATION_ASR__ENGINES or MODERATION_LANGUAGE__CANDIDATES"
        )

    def _factory(self, name: str) -> EngineFactory:
        engine, _, model = name.partition(":")
        if engine not in self._factories or not model:
            raise ConfigurationError(
                f"{name!r} in MODERATION_ASR__ENGINES is no engine; write `engine:model` with one of the engines "
                f"{', '.join(sorted(self._factories))}"
            )
        return self._factories[engine]
