"""The composition root: the only code that picks implementations from settings."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import structlog
from prometheus_client import CollectorRegistry

from moderation.asr.engine import SpeechEngine
from moderation.asr.interim import InterimRules
from moderation.asr.select import EngineSet, InstalledModel
from moderation.asr.vosk.engine import OnCrash, VoskEngine
from moderation.asr.whisper.engine import WhisperEngine
from moderation.audio.confined.decoding import ConfinedDecoding
from moderation.audio.decode import OpenDecoder, open_confined_decoder, open_decoder
from moderation.audio.intake import StreamIntake
from moderation.audio.vad import SileroVad
from moderation.clock import Clock, SystemClock
from moderation.contracts.codecs import load_codecs
from moderation.errors import ConfigurationError
from moderation.events import ResumePoint
from moderation.judging import TextJudge, TextStages
from moderation.language.identifier import AudioLanguageModel
from moderation.language.text import LangidModel
from moderation.models.store import ModelStore
from moderation.pii.detector import PiiDetector
from moderation.pipeline import Pipeline
from moderation.policy.policy import Policy
from moderation.settings import Settings
from moderation.streaming.assembly import WorkerParts
from moderation.streaming.worker import Worker
from moderation.telemetry.metrics import Metrics
from moderation.telemetry.server import telemetry_server
from moderation.toxicity.classifier import ToxicityClassifier
from moderation.toxicity.compact import COMPACT_MODEL
from moderation.toxicity.factory import open_classifier
from moderation.vocabulary.filter import VocabularyFilter

log = structlog.get_logger(__name__)


def build_text_stages(settings: Settings) -> TextStages:
    """The stages that judge texts.

    Raises:
        ConfigurationError: a policy, a list or a model is missing or refused.
    """
    return TextStages(
        judge=_text_judge(settings, SystemClock()),
        text_language=LangidModel(settings.language.candidates),
        language_settings=settings.language,
    )


@contextmanager
def build_pipeline(settings: Settings, *, on_engine_crash: OnCrash | None = None) -> Iterator[Pipeline]:
    """The whole pipeline. Speech engines are loaded when first needed, and closed at the end.

    `on_engine_crash` is told, from any thread, when an engine's process was replaced, and why.

    Raises:
        ConfigurationError: as `build_text_stages`; also for speech engines that do not exist.
    """
    clock = SystemClock()
    engines = build_engines(settings, on_crash=on_engine_crash)
    try:
        yield Pipeline(
            engines=engines,
            audio_language=_audio_language(settings, engines),
            text_language=LangidModel(settings.language.candidates),
            language_settings=settings.language,
            judge=_text_judge(settings, clock),
            clock=clock,
            engine_retry_deadline_s=settings.streaming.retry_deadline_s,
            judge_partials=settings.asr.publish_partials or settings.asr.flag_partials,
            interims=InterimRules.of(
                from_s=settings.asr.interim_from_s,
                every_s=settings.asr.interim_every_s,
                window_s=settings.asr.interim_window_s,
            ),
        )
    finally:
        engines.close()


class IntakeFactory(Protocol):
    """Makes the intake of a stream, new or from a point to resume from."""

    def __call__(self, resume: ResumePoint | None = None) -> StreamIntake: ...


def intake_factory(settings: Settings, decoders: OpenDecoder = open_decoder) -> IntakeFactory:
    """What makes the intake of a stream; all share one voice activity model, and `decoders`."""
    vad = SileroVad()

    def make(resume: ResumePoint | None = None) -> StreamIntake:
        return StreamIntake(settings.audio, vad, resume=resume, open_decoder=decoders)

    return make


@contextmanager
def build_worker(settings: Settings, *, on_ready: Callable[[], None]) -> Iterator[Worker]:
    """A worker with every model loaded, serving metrics and health while the context lasts.

    Raises:
        ConfigurationError: a setting, a model, a list or the policy is missing or refused.
    """
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    with (
        ConfinedDecoding(settings.audio, on_lost=metrics.decoding_process_lost) as decoding,
        build_pipeline(settings, on_engine_crash=metrics.engine_process_lost) as pipeline,
    ):
        pipeline.engines.preload(settings.language.candidates)
        for engine in pipeline.engines.loaded():
            log.info("engine_loaded", engine=engine.name, model=engine.model_version)
        for choice in pipeline.engines.explain(settings.language.candidates):
            log.info("engine_chosen", language=choice.language, engine=choice.engine)
        decoding.prepare()
        worker = Worker(
            WorkerParts(
                settings=settings,
                codecs=load_codecs(settings),
                pipeline=pipeline,
                new_intake=intake_factory(settings, open_confined_decoder(decoding)),
                clock=SystemClock(),
                metrics=metrics,
            ),
            on_ready=on_ready,
        )
        with telemetry_server(
            settings.telemetry, registry=registry, live=lambda: worker.problems, ready=lambda: _unready(worker)
        ):
            yield worker


def build_engines(settings: Settings, *, on_crash: OnCrash | None = None) -> EngineSet:
    """The speech engines that are installed; none is loaded.

    Raises:
        ConfigurationError: the settings name an engine that does not exist.
    """
    asr = settings.asr

    def whisper(name: str, model: InstalledModel) -> SpeechEngine:
        return WhisperEngine(model.path, name=name, version=model.version, settings=asr)

    def vosk(name: str, model: InstalledModel) -> SpeechEngine:
        return VoskEngine(
            model.path,
            name=name,
            version=model.version,
            languages=model.languages,
            settings=asr,
            on_crash=on_crash,
        )

    wanted = {name for names in asr.engines.values() for name in names} | {settings.language.audio_model}
    return EngineSet(asr.engines, installed=_installed(settings, wanted), factories={"whisper": whisper, "vosk": vosk})


def _installed(settings: Settings, names: set[str]) -> dict[str, InstalledModel]:
    store = ModelStore(settings.models_dir)
    installed = {}
    for name in sorted(names):
        path = store.find(name)
        if path is not None:
            status = store.status(name)
            languages = frozenset(status.languages) or None
            installed[name] = InstalledModel(path=path, version=status.version or "unknown", languages=languages)
    return installed


def _audio_language(settings: Settings, engines: EngineSet) -> AudioLanguageModel | None:
    """What hears the language of streams that give no hint; loaded now, since every such stream begins with it."""
    if not settings.language.identify_audio:
        return None
    name = settings.language.audio_model
    engine = engines.engine(name)
    if not isinstance(engine, WhisperEngine):
        raise ConfigurationError(f"MODERATION_LANGUAGE__AUDIO_MODEL is {name!r}: only Whisper models hear languages")
    return engine


def _text_judge(settings: Settings, clock: Clock) -> TextJudge:
    return TextJudge(
        toxicity=build_toxicity(settings),
        vocabulary=VocabularyFilter.from_files(settings.vocabulary.lists),
        pii=PiiDetector(settings.pii),
        policy=Policy.load(settings.policy.file),
        clock=clock,
    )


def build_toxicity(settings: Settings) -> ToxicityClassifier:
    """The toxicity model that the settings name.

    Raises:
        ConfigurationError: it is missing or refused.
    """
    toxicity = settings.toxicity
    if toxicity.model == COMPACT_MODEL:
        return open_classifier(toxicity)
    return open_classifier(toxicity, ModelStore(settings.models_dir).require(f"detoxify:{toxicity.model}"))


def _unready(worker: Worker) -> Sequence[str]:
    return worker.problems if worker.is_ready else [*worker.problems, "no_partitions_assigned_yet"]
