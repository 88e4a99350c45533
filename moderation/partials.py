"""What is understood of an utterance that goes on: partials of a streaming engine, interim decodes of any other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from moderation.asr.engine import SpeechEngine
from moderation.asr.interim import GrowingUtterance, InterimRules, InterimWindow
from moderation.asr.recognition import audio_ms
from moderation.audio.utterance import Samples, UtteranceOpened
from moderation.clock import Clock
from moderation.events import LanguageGuess
from moderation.judging import HeardText, Judgement, TextJudge


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialOutcome:
    """What was understood so far of an utterance that goes on, judged and masked.

    `heard_ms` is how much of the utterance the engine had been given. A partial is all that was understood up to there,
    without word times; an interim decode understands the latest part of it.
    """

    opened: UtteranceOpened
    heard_ms: int
    judgement: Judgement
    engine: str
    models: Mapping[str, str]
    timings_ms: Mapping[str, float]


def model_id(engine: SpeechEngine) -> str:
    """The engine with its model's version, as published."""
    return f"{engine.name}@{engine.model_version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interim:
    """An interim decode that may be made now, on any thread."""

    opened: UtteranceOpened
    window: InterimWindow
    engine: SpeechEngine
    language: str
    guess: LanguageGuess
    judge: TextJudge
    clock: Clock

    def hear(self) -> PartialOutcome:
        """Recognise and judge. Blocks."""
        started_s = self.clock.monotonic_s()
        recognition = self.engine.interim(self.window.samples, language=self.language)
        took_ms = (self.clock.monotonic_s() - started_s) * 1000
        offset_ms = self.opened.start_ms + audio_ms(self.window.start)
        words = tuple(
            replace(word, start_ms=word.start_ms + offset_ms, end_ms=word.end_ms + offset_ms)
            for word in recognition.words
        )
        judgement = self.judge.judge(HeardText(text=recognition.text, words=words, language=self.guess))
        return PartialOutcome(
            opened=self.opened,
            heard_ms=audio_ms(self.window.heard),
            judgement=judgement,
            engine=self.engine.name,
            models={"asr": model_id(self.engine), **self.judge.models},
            timings_ms={"interim": took_ms, **judgement.timings_ms},
        )


class InterimListener:
    """Follows one utterance that an engine without partials will hear when it has ended."""

    def __init__(self, rules: InterimRules, hear: Callable[[InterimWindow], Interim]) -> None:
        self._growing = GrowingUtterance(rules)
        self._hear = hear

    @property
    def is_due(self) -> bool:
        """Whether enough audio came since the last interim decode."""
        return self._growing.is_due

    def take(self, samples: Samples) -> None:
        """The audio that follows; cheap."""
        self._growing.hear(samples)

    def next(self) -> Interim:
        """The interim decode of what was heard last."""
        return self._hear(self._growing.window())
