"""What is understood of an utterance before it ends: partials, interim decodes, and when there are none."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from moderation.asr.engine import EngineCapabilities, Partial, Recognition, Samples
from moderation.asr.interim import InterimRules
from moderation.audio.utterance import UtteranceAudio, UtteranceOpened
from moderation.clock import ManualClock
from moderation.events import Word
from moderation.partials import PartialOutcome
from moderation.pipeline import Pipeline, StreamPipeline
from moderation.settings import LanguageSettings

START = datetime(2026, 1, 1, tzinfo=UTC)
RULES = InterimRules(first=16_000, every=16_000, window=48_000)
OPENED = UtteranceOpened(number=0, first_sequence=4, start_ms=700, started_at=START)
SECOND = UtteranceAudio(number=0, samples=np.full(16_000, 0.5, np.float32))


class Engine:
    """Understands "hello": as a partial, or as an interim decode."""

    name, model_version = "engine:test", "1"

    def __init__(self, *, partials: bool) -> None:
        self.capabilities = EngineCapabilities(
            partials=partials, word_times=True, word_confidence=True, languages=None, interims=not partials
        )
        self.heard: list[int] = []

    def recognizer(self, *, stream_id: str, language: str | None) -> "Engine":
        return self

    def accept(self, samples: Samples) -> Partial | None:
        return Partial(text="hello")

    def close(self) -> None:
        pass

    def interim(self, samples: Samples, *, language: str) -> Recognition:
        self.heard.append(len(samples))
        word = Word(text="hello", start_ms=100, end_ms=400, confidence=1.0)
        return Recognition(text="hello", words=(word,), confidence=1.0, language=language, audio_ms=1)


PARTIALS = Pipeline(
    engines=SimpleNamespace(),  # type: ignore[arg-type]
    audio_language=None,
    text_language=None,  # type: ignore[arg-type]
    language_settings=LanguageSettings(),
    judge=SimpleNamespace(judge=lambda heard: SimpleNamespace(heard=heard, timings_ms={}), models={}),  # type: ignore[arg-type]
    clock=ManualClock(START),
    engine_retry_deadline_s=1.0,
    judge_partials=True,
    interims=RULES,
)


def stream(engine: Engine, *, hint: str | None = "en", is_live: bool = True, **changes: Any) -> StreamPipeline:
    engines: Any = SimpleNamespace(for_language=lambda language: engine)
    pipeline = replace(PARTIALS, engines=engines, **changes)
    return pipeline.open_stream(stream_id="s", language_hint=hint, is_live=is_live)


def grown(speaker: StreamPipeline, seconds: int) -> StreamPipeline:
    speaker.follow(OPENED)
    for _ in range(seconds):
        speaker.follow(SECOND)
    return speaker


def test_a_growing_utterance_is_listened_to_when_it_is_due_with_times_on_the_streams_timeline() -> None:
    engine = Engine(partials=False)
    speaker = stream(engine)
    speaker.follow(OPENED)
    assert not speaker.is_interim_due
    grown(speaker, 2)
    assert speaker.is_interim_due
    interim = speaker.interim()
    assert interim is not None
    assert not speaker.is_interim_due
    outcome = interim.hear()
    assert (outcome.opened, outcome.heard_ms) == (OPENED, 2_000)
    (word,) = outcome.judgement.heard.words
    assert (word.start_ms, word.end_ms) == (800, 1_100)
    assert engine.heard == [32_000]


def test_times_of_a_window_that_begins_later_count_from_there() -> None:
    engine = Engine(partials=False)
    interim = grown(stream(engine), 5).interim()
    assert interim is not None
    (word,) = interim.hear().judgement.heard.words
    assert word.start_ms == 700 + 5_000 - engine.heard[0] // 16 + 100


@pytest.mark.parametrize(
    ("engine", "changes"),
    [
        (Engine(partials=False), {"interims": None}),
        (Engine(partials=False), {"is_live": False}),
        (Engine(partials=False), {"hint": None}),
        (Engine(partials=True), {}),
    ],
    ids=["the settings say never", "nobody waits", "its language is not known yet", "the engine has partials"],
)
def test_an_utterance_is_left_to_its_end_where(engine: Engine, changes: dict[str, Any]) -> None:
    speaker = grown(stream(engine, **changes), 5)
    assert not speaker.is_interim_due
    assert speaker.interim() is None


def test_the_next_utterance_must_grow_first() -> None:
    speaker = grown(stream(Engine(partials=False)), 5)
    speaker.follow(OPENED)
    assert not speaker.is_interim_due


def partial_of(speaker: StreamPipeline) -> object:
    speaker.handle(OPENED)
    return speaker.handle(SECOND)


def test_a_partial_is_judged_and_says_how_much_was_heard() -> None:
    outcome = partial_of(stream(Engine(partials=True)))
    assert isinstance(outcome, PartialOutcome)
    assert (outcome.heard_ms, outcome.models) == (1_000, {"asr": "engine:test@1"})


@pytest.mark.parametrize("changes", [{"judge_partials": False}, {"is_live": False}])
def test_partials_are_not_judged_where_nobody_wants_them(changes: dict[str, Any]) -> None:
    assert partial_of(stream(Engine(partials=True), **changes)) is None
