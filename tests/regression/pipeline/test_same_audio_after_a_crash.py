"""An utterance whose engine process died was heard again without the silence that had been streamed behind it.

Vosk's text, times and confidences depend on all that it hears, so a crash changed what was told.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from support.utterances import START, an_utterance

from moderation.asr.engine import EngineCapabilities, Partial, Recognition, Samples
from moderation.audio.utterance import UtteranceAudio, UtteranceOpened
from moderation.clock import ManualClock
from moderation.errors import EngineCrashed
from moderation.pipeline import Pipeline, StreamPipeline
from moderation.settings import LanguageSettings

SPEECH, SILENCE = np.full(8, 0.5, np.float32), np.zeros(4, np.float32)


class Recognizer:
    """Remembers what it heard; dies at one of its calls."""

    def __init__(self, dies_at: int | None) -> None:
        self.heard = np.zeros(0, np.float32)
        self._calls_left = dies_at

    def accept(self, samples: Samples) -> Partial | None:
        self._call()
        self.heard = np.concatenate([self.heard, samples])
        return None

    def finish(self) -> Recognition:
        self._call()
        return Recognition(text="", words=(), confidence=1.0, language="ko", audio_ms=1)

    def close(self) -> None:
        pass

    def _call(self) -> None:
        if self._calls_left is not None:
            self._calls_left -= 1
            if self._calls_left == 0:
                raise EngineCrashed("died")


class Engine:
    """Its first recogniser dies, the others do not."""

    name, model_version = "vosk:ko", "1"
    capabilities = EngineCapabilities(partials=True, word_times=True, word_confidence=True, languages=None)

    def __init__(self, dies_at: int | None) -> None:
        self.recognizers: list[Recognizer] = []
        self._dies_at = dies_at

    def recognizer(self, *, stream_id: str, language: str | None) -> Recognizer:
        self.recognizers.append(Recognizer(None if self.recognizers else self._dies_at))
        return self.recognizers[-1]


def stream(engine: Engine) -> StreamPipeline:
    judge = SimpleNamespace(judge=lambda heard: SimpleNamespace(timings_ms={}), models={})
    pipeline = Pipeline(
        engines=SimpleNamespace(for_language=lambda language: engine),  # type: ignore[arg-type]
        audio_language=None,
        text_language=None,  # type: ignore[arg-type]
        language_settings=LanguageSettings(),
        judge=judge,  # type: ignore[arg-type]
        clock=ManualClock(START),
        engine_retry_deadline_s=1.0,
        judge_partials=False,
    )
    return pipeline.open_stream(stream_id="s", language_hint="ko")


@pytest.mark.parametrize("dies_at", [None, 1, 2, 3])
def test_whatever_call_a_process_dies_at_the_utterance_is_heard_with_the_same_audio(dies_at: int | None) -> None:
    engine = Engine(dies_at)
    speaker = stream(engine)
    speaker.handle(UtteranceOpened(number=0, first_sequence=0, start_ms=0, started_at=START))
    for samples in (SPEECH, SILENCE):
        event = UtteranceAudio(number=0, samples=samples)
        assert speaker.wants(event)
        speaker.handle(event)
    speaker.handle(an_utterance(SPEECH))
    assert np.array_equal(engine.recognizers[-1].heard, np.concatenate([SPEECH, SILENCE]))


def test_the_next_utterance_is_heard_without_the_one_before() -> None:
    engine = Engine(1)
    speaker = stream(engine)
    for number in range(2):
        speaker.handle(UtteranceOpened(number=number, first_sequence=0, start_ms=0, started_at=START))
        speaker.handle(UtteranceAudio(number=number, samples=SPEECH))
        speaker.handle(an_utterance(SPEECH))
    assert np.array_equal(engine.recognizers[-1].heard, SPEECH)


def test_an_utterance_that_was_not_streamed_is_heard_as_it_is() -> None:
    engine = Engine(None)
    speaker = stream(engine)
    assert not speaker.wants(UtteranceAudio(number=0, samples=SPEECH))
    speaker.handle(an_utterance(SPEECH))
    assert np.array_equal(engine.recognizers[-1].heard, SPEECH)
