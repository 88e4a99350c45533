"""Which engine serves which language. Pure: settings and what is installed come in as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from moderation.events import primary_tag

ANY_OTHER_LANGUAGE = "*"
"""The key of the engines for languages that have no entry of their own."""

Languages = frozenset[str] | None
"""Primary BCP-47 tags that a model knows; None means any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """An engine that would have been preferred, and why it cannot serve, as a clause: `is not installed`."""

    engine: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChoice:
    """What serves a language. `engine` is `engine:model`, None where nothing installed can."""

    language: str
    engine: str | None
    passed_over: tuple[PassedOver, ...]


def choose_engine(
    language: str, preferences: Mapping[str, Sequence[str]], installed: Mapping[str, Languages]
) -> EngineChoice:
    """The first engine in the language's order of preference that is installed and knows the language.

    `preferences` maps a primary tag, or `*` for every language without an entry, to engines; `installed` maps engines
    to the languages they know. `en-GB` is served as `en`.
    """
    primary = primary_tag(language)
    wanted = preferences.get(primary, preferences.get(ANY_OTHER_LANGUAGE, ()))
    passed_over: list[PassedOver] = []
    for engine in wanted:
        reason = _why_not(engine, primary, installed)
        if reason is None:
            return EngineChoice(language=primary, engine=engine, passed_over=tuple(passed_over))
        passed_over.append(PassedOver(engine=engine, reason=reason))
    return EngineChoice(language=primary, engine=None, passed_over=tuple(passed_over))


def _why_not(engine: str, language: str, installed: Mapping[str, Languages]) -> str | None:
    if engine not in installed:
        return "is not installed"
    languages = installed[engine]
    if languages is not None and language not in languages:
        return f"does not know {language!r}"
    return None
