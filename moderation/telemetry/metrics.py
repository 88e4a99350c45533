"""What a worker counts and times, for Prometheus."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Literal, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from moderation.errors import DeadLetterCode
from moderation.events import LanguageGuess, ModerationFlag, Severity
from moderation.telemetry.catalogue import METRICS, MetricName, MetricSpec, metrics_table

LanguageSource = Literal["hint", "audio", "default"]
PausingBound = Literal["chunks", "streams", "unacked"]
"""Which bound intake waits for."""
MarkWrite = Literal["published", "cleaned", "evicted"]

_NOT_PROCESSING = frozenset({"endpointing", "waiting"})


class HeardPart(Protocol):
    """What is counted of a text."""

    @property
    def language(self) -> LanguageGuess: ...


class JudgedPart(Protocol):
    """What is counted of a judgement."""

    @property
    def heard(self) -> HeardPart: ...


class AudioPart(Protocol):
    """What is counted of an utterance's audio."""

    @property
    def start_ms(self) -> int: ...
    @property
    def end_ms(self) -> int: ...


class FinishedUtterance(Protocol):
    """What is counted of an utterance: the pipeline's outcome has it."""

    @property
    def utterance(self) -> AudioPart: ...
    @property
    def judgement(self) -> JudgedPart: ...
    @property
    def engine(self) -> str: ...
    @property
    def timings_ms(self) -> Mapping[str, float]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeState:
    """How full the worker is, at one moment."""

    open_streams: int
    open_utterances: int
    queued_chunks: int
    queued_chunks_limit: int
    unacked_chunks: int
    oldest_unacked_s: float
    """Age of the chunk that has waited longest to be acked; 0 when none waits."""
    is_paused: bool


class Metrics:
    """Counts into the registry it is given. Thread-safe; make one per registry.

    Every label value comes from code, settings or policy, so that there are few: never an id, never what was said.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counters: dict[MetricName, Counter] = {}
        self._gauges: dict[MetricName, Gauge] = {}
        self._histograms: dict[MetricName, Histogram] = {}
        for spec in METRICS:
            self._register(spec, registry)
        # Counted for every chunk: the look-up of a label costs ten times what counting does.
        self._chunks = cache(lambda outcome: self._counters["moderation_chunks_total"].labels(outcome=outcome))

    def chunk(self, outcome: str, *, missing: int = 0) -> None:
        """An audio chunk arrived in one of the ways that the catalogue lists, with so many missing before it."""
        self._chunks(outcome).inc()
        if missing:
            self._counters["moderation_chunks_missing_total"].inc(missing)

    def redelivered(self) -> None:
        """A message came again although it was in hand or acked."""
        self._counters["moderation_messages_redelivered_total"].inc()

    def clock_jump(self) -> None:
        """The capture times of a stream jumped."""
        self._counters["moderation_clock_jumps_total"].inc()

    def utterance_closed_early(self) -> None:
        """An open utterance was closed for the sake of others."""
        self._counters["moderation_utterances_closed_early_total"].inc()

    def utterance(self, finished: FinishedUtterance) -> None:
        """An utterance was recognised and judged."""
        engine, audio = finished.engine, finished.utterance
        audio_ms = audio.end_ms - audio.start_ms
        language = finished.judgement.heard.language.language
        self._counters["moderation_utterances_total"].labels(language=language, engine=engine).inc()
        self._counters["moderation_audio_seconds_total"].labels(engine=engine).inc(audio_ms / 1000)
        for stage, milliseconds in finished.timings_ms.items():
            self.stage(stage, milliseconds / 1000)
        processing_ms = sum(ms for stage, ms in finished.timings_ms.items() if stage not in _NOT_PROCESSING)
        if audio_ms > 0:
            self._histograms["moderation_real_time_factor"].labels(engine=engine).observe(processing_ms / audio_ms)

    def stage(self, stage: str, seconds: float) -> None:
        """A stage took so long for one utterance. `stage` is a name from the code, e.g. `recognition`."""
        self._histograms["moderation_stage_seconds"].labels(stage=stage).observe(seconds)

    def interim(self, *, in_time: bool) -> None:
        """An interim decode was made, before the utterance ended or too late."""
        self._counters["moderation_interim_decodes_total"].labels(outcome="heard" if in_time else "late").inc()

    def early(self, *, in_vain: bool) -> None:
        """An utterance was recognised at a pause; it ended there, or in vain."""
        self._counters["moderation_early_recognitions_total"].labels(outcome="vain" if in_vain else "used").inc()

    def flag(self, flag: ModerationFlag, *, confirmed_at: datetime) -> None:
        """A flag was published; the broker confirmed it at that instant."""
        if flag.provisional or flag.is_withdrawn:
            outcome = "told" if flag.provisional else "withdrawn"
            self._counters["moderation_provisional_flags_total"].labels(outcome=outcome).inc()
            return
        self._counters["moderation_flags_total"].labels(severity=flag.severity.value, action=flag.action).inc()
        for category, severity in _worst_by_category(flag).items():
            self._counters["moderation_detections_total"].labels(category=category, severity=severity.value).inc()
        latency_s = (confirmed_at - flag.ended_at).total_seconds()
        self._histograms["moderation_end_of_speech_to_flag_seconds"].observe(max(latency_s, 0.0))

    def dead_letter(self, code: DeadLetterCode) -> None:
        """A message could not be processed."""
        self._counters["moderation_dead_letters_total"].labels(code=code.value).inc()

    def language_decided(self, language: str, source: LanguageSource) -> None:
        """The language of a stream was concluded."""
        self._counters["moderation_language_decisions_total"].labels(language=language, source=source).inc()

    def engine_process_lost(self, engine: str) -> None:
        """A speech recognition process died."""
        self._counters["moderation_engine_processes_lost_total"].labels(engine=engine).inc()

    def decoding_process_lost(self) -> None:
        """A decoding process was replaced that had a payload in hand."""
        self._counters["moderation_decoding_processes_lost_total"].inc()

    def intake(self, state: IntakeState) -> None:
        """How full the worker is now."""
        self._gauges["moderation_open_streams"].set(state.open_streams)
        self._gauges["moderation_open_utterances"].set(state.open_utterances)
        self._gauges["moderation_chunks_queued"].set(state.queued_chunks)
        self._gauges["moderation_chunks_queued_limit"].set(state.queued_chunks_limit)
        self._gauges["moderation_chunks_in_flight"].set(state.unacked_chunks)
        self._gauges["moderation_oldest_chunk_in_flight_seconds"].set(state.oldest_unacked_s)
        self._gauges["moderation_intake_paused"].set(int(state.is_paused))

    def intake_paused(self, bound: PausingBound, seconds: float) -> None:
        """Intake waited so long because a bound was reached."""
        self._counters["moderation_intake_paused_seconds_total"].labels(bound=bound).inc(seconds)

    def stream_evicted(self) -> None:
        """A resting stream made room for another."""
        self._counters["moderation_streams_evicted_total"].inc()

    def commit(self, *, succeeded: bool) -> None:
        """Offsets were committed, or could not be."""
        self._counters["moderation_commits_total"].labels(outcome="succeeded" if succeeded else "failed").inc()

    def resume_marks(self, count: int) -> None:
        """So many resume marks are held now."""
        self._gauges["moderation_resume_marks"].set(count)

    def resume_mark(self, kind: MarkWrite) -> None:
        """A mark or a tombstone was written."""
        self._counters["moderation_resume_mark_writes_total"].labels(kind=kind).inc()

    def rebalanced(self, partitions: int) -> None:
        """The group was balanced anew and this worker was given so many partitions."""
        self._counters["moderation_rebalances_total"].inc()
        self._gauges["moderation_partitions_assigned"].set(partitions)

    def memory(self, bytes_by_role: Mapping[str, int]) -> None:
        """What the processes of each role hold now; a role that is not named holds nothing any more."""
        gauge = self._gauges["moderation_resident_memory_bytes"]
        gauge.clear()
        for role, size_bytes in bytes_by_role.items():
            gauge.labels(role=role).set(size_bytes)

    def _register(self, spec: MetricSpec, registry: CollectorRegistry) -> None:
        match spec.kind:
            case "counter":
                self._counters[spec.name] = Counter(spec.name, spec.meaning, spec.labels, registry=registry)
            case "gauge":
                self._gauges[spec.name] = Gauge(spec.name, spec.meaning, spec.labels, registry=registry)
            case "histogram":
                self._histograms[spec.name] = Histogram(
                    spec.name, spec.meaning, spec.labels, registry=registry, buckets=spec.buckets
                )


def _worst_by_category(flag: ModerationFlag) -> dict[str, Severity]:
    worst: dict[str, Severity] = {}
    for detection in flag.detections:
        known = worst.get(detection.category, Severity.NONE)
        worst[detection.category] = max(known, detection.severity, key=lambda severity: severity.rank)
    return worst


__all__ = [
    "FinishedUtterance",
    "IntakeState",
    "LanguageSource",
    "Metrics",
    "PausingBound",
    "metrics_table",
]
