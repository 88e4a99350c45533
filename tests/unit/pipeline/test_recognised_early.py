"""An utterance that was recognised at the pause with which it ended is not recognised again."""

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support.utterances import START, an_utterance

from moderation.asr.engine import EngineCapabilities, Recognition, Samples
from moderation.audio.utterance import Utterance, UtterancePaused
from moderation.clock import ManualClock
from moderation.early import EarlyRecognition
from moderation.errors import EngineCrashed
from moderation.pipeline import Pipeline, StreamPipeline, UtteranceOutcome
from moderation.settings import LanguageSettings

LENGTH = 16_000
PAUSED = UtterancePaused(number=3, samples=np.full(LENGTH, 0.5, np.float32))


class Engine:
    """Understands how much audio it was given."""

    model_version = "1"

    def __init__(self, name: str = "engine:test", *, partials: bool = False) -> None:
        self.name = name
        self.capabilities = EngineCapabilities(
            partials=partials, word_times=True, word_confidence=True, languages=None, interims=not partials
        )
        self.heard: list[int] = []
        self.failures: list[Exception] = []

    def recognizer(self, *, stream_id: str, language: str | None) -> "Engine":
        return self

    def accept(self, samples: Samples) -> None:
        self.heard.append(len(samples))

    def finish(self) -> Recognition:
        if self.failures:
            raise self.failures.pop()
        return Recognition(text=str(self.heard[-1]), words=(), confidence=1.0, language="en", audio_ms=1)

    def close(self) -> None:
        pass


def utterance(number: int = 3, length: int = LENGTH) -> Utterance:
    return an_utterance(np.full(length, 0.5, np.float32), number=number)


def stream(engine: Engine, *, hint: str | None = "en", is_live: bool = True) -> StreamPipeline:
    shared = Pipeline(
        engines=SimpleNamespace(for_language=lambda language: engine),  # type: ignore[arg-type]
        audio_language=None,
        text_language=SimpleNamespace(language_probabilities=lambda text: {"en": 1.0}),  # type: ignore[arg-type]
        language_settings=LanguageSettings(),
        judge=SimpleNamespace(judge=lambda heard: SimpleNamespace(heard=heard, timings_ms={}), models={}),  # type: ignore[arg-type]
        clock=ManualClock(START),
        engine_retry_deadline_s=1.0,
        judge_partials=True,
    )
    return shared.open_stream(stream_id="s", language_hint=hint, is_live=is_live)


def begun(speaker: StreamPipeline) -> EarlyRecognition:
    early = speaker.early(PAUSED)
    assert early is not None
    with ThreadPoolExecutor(1) as pool:
        early.begin(pool)
    return early


def text_of(outcome: object) -> str:
    assert isinstance(outcome, UtteranceOutcome)
    return outcome.judgement.heard.text


def test_what_was_recognised_early_is_not_recognised_again() -> None:
    engine = Engine()
    speaker = stream(engine)
    speaker.take_early(begun(speaker))
    outcome = speaker.handle(utterance())
    assert text_of(outcome) == str(LENGTH)
    assert isinstance(outcome, UtteranceOutcome)
    assert (outcome.engine, outcome.models) == ("engine:test", {"asr": "engine:test@1"})
    assert engine.heard == [LENGTH]


def test_it_serves_one_utterance_only() -> None:
    engine = Engine()
    speaker = stream(engine)
    speaker.take_early(begun(speaker))
    speaker.handle(utterance())
    assert text_of(speaker.handle(utterance(number=4, length=8_000))) == "8000"


@pytest.mark.parametrize("error", [EngineCrashed("gone"), RuntimeError("odd")])
def test_where_it_failed_the_utterance_is_recognised_as_any_other(error: Exception) -> None:
    engine = Engine()
    engine.failures.append(error)
    speaker = stream(engine)
    speaker.take_early(begun(speaker))
    assert text_of(speaker.handle(utterance())) == str(LENGTH)
    assert engine.heard == [LENGTH, LENGTH]


def test_what_never_began_is_not_waited_for() -> None:
    engine = Engine()
    speaker = stream(engine)
    early = speaker.early(PAUSED)
    assert early is not None
    assert not early.has_begun
    speaker.take_early(early)
    assert text_of(speaker.handle(utterance())) == str(LENGTH)


def test_it_is_waited_for_while_it_is_being_recognised() -> None:
    engine = Engine()
    speaker = stream(engine)
    early = speaker.early(PAUSED)
    assert early is not None
    may_go_on = Event()
    with ThreadPoolExecutor(1) as pool, ThreadPoolExecutor(1) as handling:
        pool.submit(may_go_on.wait)
        early.begin(pool)
        speaker.take_early(early)
        handled = handling.submit(speaker.handle, utterance())
        assert not handled.done()
        may_go_on.set()
        assert text_of(handled.result(5)) == str(LENGTH)
    assert engine.heard == [LENGTH]


def test_how_long_it_took_is_known() -> None:
    clock = ManualClock(START)
    early = EarlyRecognition(Engine(), stream_id="s", language="en", paused=PAUSED, clock=clock)
    future: Future[Any] = Future()
    early.begin(SimpleNamespace(submit=lambda work, samples: future))  # type: ignore[arg-type]
    clock.advance(2.0)
    assert early.took_s == 2.0
    early._recognise(PAUSED.samples)
    clock.advance(1.0)
    assert early.took_s == 2.0


def test_in_another_language_the_utterance_is_heard_anew() -> None:
    engine = Engine()
    korean = begun(stream(engine, hint="ko"))
    speaker = stream(engine)
    speaker.take_early(korean)
    speaker.handle(utterance())
    assert engine.heard == [LENGTH, LENGTH]


@pytest.mark.parametrize(("number", "length", "is_of"), [(3, LENGTH, True), (4, LENGTH, False), (3, LENGTH + 1, False)])
def test_an_utterance_is_known_by_its_number_and_length(number: int, length: int, is_of: bool) -> None:
    early = stream(Engine()).early(PAUSED)
    assert early is not None
    assert early.is_of(utterance(number, length)) is is_of


@pytest.mark.parametrize(
    "speaker",
    [stream(Engine(), is_live=False), stream(Engine(), hint=None), stream(Engine(partials=True))],
    ids=["nobody waits", "its language is not known yet", "the engine follows the audio"],
)
def test_the_end_is_waited_for_where(speaker: StreamPipeline) -> None:
    assert speaker.early(PAUSED) is None
    assert not speaker.wants(PAUSED)
    assert speaker.handle(PAUSED) is None
