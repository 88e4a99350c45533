"""What is known about the language of one stream. Pure; used from one thread at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from moderation.events import UNKNOWN_LANGUAGE, LanguageEvidence, LanguageGuess, primary_tag
from moderation.language.evidence import Evidence, restricted
from moderation.settings import LanguageSettings

LanguageSource = Literal["hint", "audio", "default"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageDecision:
    """The language a stream is recognised in, and what settled it."""

    language: str
    source: LanguageSource


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageMemory:
    """What was heard and read of a stream so far, for whoever goes on with it."""

    heard: LanguageEvidence | None
    read: LanguageEvidence | None


_UNDECIDED = LanguageGuess(language=UNKNOWN_LANGUAGE, confidence=0.0)


class StreamLanguage:
    """Gathers evidence until a language is probable enough, and stays with it.

    A hint of the producer settles it. Next counts what is heard in the first utterances. What is read counts only
    where nothing was heard: the text of a recogniser that knows one language says nothing about the spoken one.
    """

    def __init__(self, settings: LanguageSettings, *, hint: str | None, memory: LanguageMemory | None = None) -> None:
        """`hint` is a BCP-47 tag; one whose primary tag is no candidate is no hint. `memory` is what to go on from."""
        self._settings = settings
        self._candidates = [primary_tag(tag) for tag in settings.candidates]
        primary = primary_tag(hint) if hint else None
        self._hint = primary if primary in self._candidates else None
        self._heard = Evidence(self._candidates, memory.heard if memory else None)
        self._read = Evidence(self._candidates, memory.read if memory else None)

    @property
    def memory(self) -> LanguageMemory:
        """What was heard and read so far. A hint needs no memory: it comes with every chunk."""
        if self._hint is not None:
            return LanguageMemory(heard=None, read=None)
        return LanguageMemory(heard=self._heard.known, read=self._read.known)

    @property
    def wants_audio(self) -> bool:
        """Whether the next utterance should be listened to (`add_audio`)."""
        return (
            self._hint is None
            and self._settings.identify_audio
            and not self._is_sure(self._heard)
            and self._heard.observations < self._settings.max_audio_utterances
        )

    @property
    def is_decided(self) -> bool:
        """Whether `language_for_recognition` will not change any more."""
        return not self.wants_audio

    @property
    def decision(self) -> LanguageDecision | None:
        """What recognition is settled on, and by what; None while that may change."""
        if not self.is_decided:
            return None
        return LanguageDecision(language=self.language_for_recognition(), source=self._source())

    def _source(self) -> LanguageSource:
        if self._hint is not None:
            return "hint"
        return "audio" if self._is_sure(self._heard) else "default"

    def add_audio(self, probabilities: Mapping[str, float]) -> None:
        """What a model heard in an utterance; other languages than the candidates are left out."""
        self._heard.add(probabilities)

    def add_text(self, text: str, probabilities: Mapping[str, float]) -> None:
        """What a model read in the text of an utterance; short or ambiguous text is no evidence."""
        kept = restricted(probabilities, self._candidates)
        if len(text.split()) < self._settings.min_words or max(kept.values()) < self._settings.min_probability:
            return
        self._read.add(kept)

    def language_for_recognition(self) -> str:
        """The language to recognise in: the hint, what was heard, or the default. Text does not count."""
        if self._hint is not None:
            return self._hint
        if self._is_sure(self._heard):
            return self._heard.best().language
        return primary_tag(self._settings.default)

    def guess(self) -> LanguageGuess:
        """The language as published; `und` with confidence 0 until it is probable enough. A hint counts as certain."""
        if self._hint is not None:
            return LanguageGuess(language=self._hint, confidence=1.0)
        evidence = self._heard if self._heard.observations else self._read
        return evidence.best() if self._is_sure(evidence) else _UNDECIDED

    def _is_sure(self, evidence: Evidence) -> bool:
        return evidence.observations > 0 and evidence.best().confidence >= self._settings.min_probability
