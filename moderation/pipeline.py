"""One utterance in, one verdict out: used by the stream, by `scan` and by the evaluation alike.

Everything here blocks; the worker calls it on threads of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from moderation.asr.engine import Partial, Recognition, Recognizer, Samples, SpeechEngine
from moderation.asr.interim import InterimRules
from moderation.asr.recognition import audio_ms
from moderation.asr.select import EngineSet
from moderation.audio.utterance import (
    SAMPLE_RATE_HZ,
    IntakeEvent,
    Utterance,
    UtteranceAudio,
    UtteranceOpened,
    UtterancePaused,
)
from moderation.clock import Clock
from moderation.early import EarlyRecognition
from moderation.errors import EngineCrashed
from moderation.judging import HeardText, Judgement, TextJudge
from moderation.language.identifier import AudioLanguageModel, TextLanguageModel
from moderation.language.stream import LanguageDecision, LanguageMemory, StreamLanguage
from moderation.partials import Interim, InterimListener, PartialOutcome, model_id
from moderation.settings import LanguageSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class UtteranceOutcome:
    """A judged utterance. Word and detection times are on the stream's timeline."""

    utterance: Utterance
    judgement: Judgement
    engine: str
    models: Mapping[str, str]
    timings_ms: Mapping[str, float]
    language_decision: LanguageDecision | None = None
    """Set on the utterance with which the stream's language was settled, None on all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """The loaded models and lists of a process, shared by all streams."""

    engines: EngineSet
    audio_language: AudioLanguageModel | None
    text_language: TextLanguageModel
    language_settings: LanguageSettings
    judge: TextJudge
    clock: Clock
    engine_retry_deadline_s: float
    judge_partials: bool
    """Whether partials are judged; without, engines with partials tell nothing before the end."""
    interims: InterimRules | None = None
    """When engines without partials listen to an utterance that goes on; None: never."""

    def open_stream(
        self, *, stream_id: str, language_hint: str | None, memory: LanguageMemory | None = None, is_live: bool = False
    ) -> "StreamPipeline":
        """Begin a stream, or go on with one whose `memory` another pipeline left.

        Of one that is not `is_live` nobody wants to know anything before an utterance has ended.
        """
        return StreamPipeline(self, stream_id=stream_id, language_hint=language_hint, memory=memory, is_live=is_live)

    def close(self) -> None:
        """End engine processes and release models."""
        self.engines.close()


class StreamPipeline:
    """Turns what intake says of one stream into judged utterances. Used from one thread at a time."""

    def __init__(
        self,
        shared: Pipeline,
        *,
        stream_id: str,
        language_hint: str | None,
        memory: LanguageMemory | None = None,
        is_live: bool = False,
    ) -> None:
        self._shared = shared
        self._is_live = is_live
        self._stream_id = stream_id
        self._language = StreamLanguage(shared.language_settings, hint=language_hint, memory=memory)
        self._recognizer: Recognizer | None = None
        self._engine: SpeechEngine | None = None
        self._opened: UtteranceOpened | None = None
        self._opened_with: str | None = None
        self._streamed: list[Samples] | None = None
        self._interims: InterimListener | None = None
        self._early: EarlyRecognition | None = None
        # A decision that was remembered was told by whoever made it.
        self._is_decision_told = self._language.decision is not None and memory is not None

    @property
    def memory(self) -> LanguageMemory:
        """What was learnt of the stream's language, up to the utterance handled last."""
        return self._language.memory

    def wants(self, event: IntakeEvent) -> bool:
        """Whether `handle` would do anything: audio before the end matters to engines with partials only."""
        match event:
            case Utterance():
                return True
            case UtteranceOpened():
                return self._language.is_decided and self._current_engine().capabilities.partials
            case UtteranceAudio():
                return self._streamed is not None
            case UtterancePaused():
                return False

    def follow(self, event: IntakeEvent) -> None:
        """Keep what interim decodes would hear. Cheap; every event, before it is handled."""
        match event:
            case UtteranceOpened():
                self._interims = self._interim_listener(event)
            case UtteranceAudio(samples=samples) if self._interims is not None:
                self._interims.take(samples)
            case Utterance():
                self._interims = None

    @property
    def is_interim_due(self) -> bool:
        """Whether the open utterance has grown enough to be listened to before it ends."""
        return self._interims is not None and self._interims.is_due

    def interim(self) -> Interim | None:
        """The interim decode of the open utterance, to be made on any thread, beside whatever is handled meanwhile."""
        return None if self._interims is None else self._interims.next()

    def early(self, paused: UtterancePaused) -> EarlyRecognition | None:
        """The recognition of the open utterance as if it had ended, to be made on any thread; None where the end would
        take no longer without, or would be heard differently."""
        if not self._is_live or not self._language.is_decided:
            return None
        engine = self._current_engine()
        if engine.capabilities.partials:
            return None
        return EarlyRecognition(
            engine,
            stream_id=self._stream_id,
            language=self._language.language_for_recognition(),
            paused=paused,
            clock=self._shared.clock,
        )

    def take_early(self, early: EarlyRecognition) -> None:
        """What was recognised, or is being, of the utterance that is handled next."""
        self._early = early

    def handle(self, event: IntakeEvent) -> UtteranceOutcome | PartialOutcome | None:
        """Take the next event of the stream.

        Returns: the judged utterance when one ended, a partial when there is news and partials are judged, or None.

        Raises:
            EngineCrashed: the engine kept dying until the retry deadline.
        """
        match event:
            case UtteranceOpened():
                self._opened = event
                self._streamed = []
                self._open()
                return None
            case UtteranceAudio(samples=samples):
                partial = self._feed(samples)
                return self._judge_partial(partial) if partial and self._judges_partials else None
            case UtterancePaused():
                return None
            case Utterance():
                return self._complete(event)

    @property
    def _judges_partials(self) -> bool:
        return self._is_live and self._shared.judge_partials

    def close(self) -> None:
        """Give up an utterance that is under way."""
        if self._recognizer is not None:
            self._recognizer.close()
        self._recognizer = None

    def _current_engine(self) -> SpeechEngine:
        return self._shared.engines.for_language(self._language.language_for_recognition())

    def _open(self) -> None:
        self.close()
        self._opened_with = self._language.language_for_recognition()
        self._engine = self._current_engine()
        self._recognizer = self._engine.recognizer(stream_id=self._stream_id, language=self._opened_with)

    def _feed(self, samples: Samples) -> Partial | None:
        if self._streamed is not None:
            self._streamed.append(samples)
        if self._recognizer is None:
            return None
        try:
            return self._recognizer.accept(samples)
        except EngineCrashed:
            # The utterance's audio is given again, whole, when it ends.
            self.close()
            return None

    def _judge_partial(self, partial: Partial) -> PartialOutcome | None:
        engine, opened = self._engine, self._opened
        if engine is None or opened is None or not partial.text:
            return None
        heard = HeardText(text=partial.text, language=self._language.guess())
        judgement = self._shared.judge.judge(heard)
        return PartialOutcome(
            opened=opened,
            heard_ms=audio_ms(sum(map(len, self._streamed or ()))),
            judgement=judgement,
            engine=engine.name,
            models={"asr": model_id(engine), **self._shared.judge.models},
            timings_ms=judgement.timings_ms,
        )

    def _interim_listener(self, opened: UtteranceOpened) -> InterimListener | None:
        rules = self._shared.interims
        if rules is None or not self._is_live or not self._language.is_decided:
            return None
        shared, engine = self._shared, self._current_engine()
        if not engine.capabilities.interims:
            return None
        language, guess = self._language.language_for_recognition(), self._language.guess()
        return InterimListener(
            rules,
            lambda window: Interim(
                opened=opened,
                window=window,
                engine=engine,
                language=language,
                guess=guess,
                judge=shared.judge,
                clock=shared.clock,
            ),
        )

    def _complete(self, utterance: Utterance) -> UtteranceOutcome:
        clock, timings = self._shared.clock, {}
        started_s = clock.monotonic_s()
        self._hear_language(utterance.samples)
        identified_s = clock.monotonic_s()
        recognition = self._heard_early()
        if recognition is None:
            recognition = self._recognise(utterance.samples)
        recognised_s = clock.monotonic_s()
        timings["endpointing"] = float(utterance.decided_ms - utterance.speech_end_ms)
        timings["language"] = (identified_s - started_s) * 1000
        timings["recognition"] = (recognised_s - identified_s) * 1000
        words = tuple(
            replace(word, start_ms=word.start_ms + utterance.start_ms, end_ms=word.end_ms + utterance.start_ms)
            for word in recognition.words
        )
        if recognition.text:
            self._language.add_text(
                recognition.text, self._shared.text_language.language_probabilities(recognition.text)
            )
        heard = HeardText(text=recognition.text, words=words, language=self._language.guess())
        judgement = self._shared.judge.judge(heard)
        engine = self._engine or self._current_engine()
        return UtteranceOutcome(
            utterance=utterance,
            judgement=judgement,
            engine=engine.name,
            models={"asr": model_id(engine), **self._shared.judge.models},
            timings_ms={**timings, **judgement.timings_ms},
            language_decision=self._new_decision(),
        )

    def _new_decision(self) -> LanguageDecision | None:
        decision = None if self._is_decision_told else self._language.decision
        self._is_decision_told = self._is_decision_told or decision is not None
        return decision

    def _hear_language(self, samples: Samples) -> None:
        model = self._shared.audio_language
        if model is None or not self._language.wants_audio:
            return
        window = int(self._shared.language_settings.audio_window_s * SAMPLE_RATE_HZ)
        self._language.add_audio(model.language_probabilities(samples[:window]))

    def _heard_early(self) -> Recognition | None:
        early, self._early = self._early, None
        if early is None or early.language != self._language.language_for_recognition():
            return None
        recognition = early.result()
        if recognition is not None:
            self._engine, self._streamed = early.engine, None
        return recognition

    def _recognise(self, samples: Samples) -> Recognition:
        streamed, self._streamed = self._streamed, None
        if streamed is None or self._opened_with != self._language.language_for_recognition():
            return self._recognise_whole(samples)
        recognizer, self._recognizer = self._recognizer, None
        if recognizer is not None:
            try:
                return recognizer.finish()
            except EngineCrashed:
                recognizer.close()
        # What was streamed goes on into the silence behind the utterance; heard without it, the text might be another.
        return self._recognise_whole(np.concatenate([samples[:0], *streamed]))

    def _recognise_whole(self, samples: Samples) -> Recognition:
        deadline_s = self._shared.clock.monotonic_s() + self._shared.engine_retry_deadline_s
        while True:
            self._open()
            recognizer = self._recognizer
            assert recognizer is not None  # noqa: S101  _open has just made it
            try:
                recognizer.accept(samples)
                return recognizer.finish()
            except EngineCrashed:
                if self._shared.clock.monotonic_s() >= deadline_s:
                    raise
            finally:
                self.close()
