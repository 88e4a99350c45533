"""What is counted."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from moderation.errors import DeadLetterCode
from moderation.events import (
    Detection,
    DetectionKind,
    Evidence,
    LanguageGuess,
    ModerationFlag,
    Severity,
    StreamIdentity,
)
from moderation.telemetry.catalogue import METRICS, MetricName
from moderation.telemetry.metrics import IntakeState, Metrics, metrics_table

ENDED = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class _Heard:
    language: LanguageGuess = field(default_factory=lambda: LanguageGuess(language="en", confidence=1.0))


@dataclass
class _Judged:
    heard: _Heard = field(default_factory=_Heard)


@dataclass
class _Audio:
    start_ms: int = 1_000
    end_ms: int = 3_000


@dataclass
class _Finished:
    utterance: _Audio = field(default_factory=_Audio)
    judgement: _Judged = field(default_factory=_Judged)
    engine: str = "whisper:tiny.en"
    timings_ms: dict = field(
        default_factory=lambda: {"endpointing": 400.0, "recognition": 300.0, "toxicity": 100.0, "waiting": 900.0}
    )


def _detection(category: str, severity: Severity) -> Detection:
    return Detection(
        kind=DetectionKind.TOXICITY,
        category=category,
        score=0.9,
        threshold=0.5,
        severity=severity,
        start_ms=None,
        end_ms=None,
        explanation="",
        source="model@1",
    )


FLAG = ModerationFlag(
    flag_id="f",
    revision=0,
    provisional=False,
    identity=StreamIdentity(tenant_id="t", session_id="s", stream_id="st", speaker_id="sp"),
    started_at=ENDED - timedelta(seconds=2),
    ended_at=ENDED,
    start_ms=0,
    end_ms=2_000,
    first_sequence=0,
    last_sequence=9,
    text="masked",
    words=(),
    language=LanguageGuess(language="en", confidence=1.0),
    detections=(
        _detection("insult", Severity.LOW),
        _detection("insult", Severity.HIGH),
        _detection("threat", Severity.MEDIUM),
    ),
    scores={},
    severity=Severity.HIGH,
    action="review",
    policy_id="p",
    policy_version="1",
    models={},
    context=(),
    evidence=Evidence(topic="voice-audio", partition=0, first_offset=0, last_offset=9, sha256="0"),
    speaker_strikes=None,
    timings_ms={},
    flagged_at=ENDED,
)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry) -> Metrics:
    return Metrics(registry)


def test_a_flag_counts_with_its_final_revision_only(metrics, registry):
    metrics.flag(replace(FLAG, provisional=True), confirmed_at=ENDED)
    metrics.flag(replace(FLAG, severity=Severity.NONE, action="none", detections=()), confirmed_at=ENDED)
    for outcome in ("told", "withdrawn"):
        assert registry.get_sample_value("moderation_provisional_flags_total", {"outcome": outcome}) == 1
    labels = {"severity": "high", "action": "review"}
    assert registry.get_sample_value("moderation_flags_total", labels) is None
    assert registry.get_sample_value("moderation_end_of_speech_to_flag_seconds_count") == 0
    metrics.flag(FLAG, confirmed_at=ENDED)
    assert registry.get_sample_value("moderation_flags_total", labels) == 1


def test_interim_decodes_are_counted_by_whether_they_came_in_time(metrics, registry):
    for in_time in (True, True, False):
        metrics.interim(in_time=in_time)
    assert registry.get_sample_value("moderation_interim_decodes_total", {"outcome": "heard"}) == 2
    assert registry.get_sample_value("moderation_interim_decodes_total", {"outcome": "late"}) == 1


def test_chunks_are_counted_by_arrival_and_missing_ones_by_number(metrics, registry):
    metrics.chunk("next")
    metrics.chunk("next")
    metrics.chunk("gap", missing=4)
    assert registry.get_sample_value("moderation_chunks_total", {"outcome": "next"}) == 2
    assert registry.get_sample_value("moderation_chunks_total", {"outcome": "gap"}) == 1
    assert registry.get_sample_value("moderation_chunks_missing_total") == 4


def test_an_utterance_counts_its_language_its_audio_and_its_stages(metrics, registry):
    metrics.utterance(_Finished())
    labels = {"language": "en", "engine": "whisper:tiny.en"}
    assert registry.get_sample_value("moderation_utterances_total", labels) == 1
    assert registry.get_sample_value("moderation_audio_seconds_total", {"engine": "whisper:tiny.en"}) == 2
    assert registry.get_sample_value("moderation_stage_seconds_sum", {"stage": "recognition"}) == pytest.approx(0.3)
    assert registry.get_sample_value("moderation_stage_seconds_sum", {"stage": "endpointing"}) == pytest.approx(0.4)


def test_the_real_time_factor_leaves_waiting_and_endpointing_out(metrics, registry):
    metrics.utterance(_Finished())
    value = registry.get_sample_value("moderation_real_time_factor_sum", {"engine": "whisper:tiny.en"})
    assert value == pytest.approx(0.4 / 2.0)


def test_an_utterance_without_audio_has_no_real_time_factor(metrics, registry):
    metrics.utterance(_Finished(utterance=_Audio(start_ms=5, end_ms=5)))
    assert registry.get_sample_value("moderation_real_time_factor_count", {"engine": "whisper:tiny.en"}) is None


def test_a_flag_counts_each_category_once_with_its_worst_severity(metrics, registry):
    metrics.flag(FLAG, confirmed_at=ENDED)
    assert registry.get_sample_value("moderation_flags_total", {"severity": "high", "action": "review"}) == 1
    count = {"category": "insult", "severity": "high"}
    assert registry.get_sample_value("moderation_detections_total", count) == 1
    assert registry.get_sample_value("moderation_detections_total", {**count, "severity": "low"}) is None
    assert registry.get_sample_value("moderation_detections_total", {"category": "threat", "severity": "medium"}) == 1


@pytest.mark.parametrize(("confirmed_after_s", "observed"), [(1.5, 1.5), (-3.0, 0.0)])
def test_latency_counts_from_the_end_of_speech_and_is_never_negative(metrics, registry, confirmed_after_s, observed):
    metrics.flag(FLAG, confirmed_at=ENDED + timedelta(seconds=confirmed_after_s))
    assert registry.get_sample_value("moderation_end_of_speech_to_flag_seconds_sum") == pytest.approx(observed)


def test_dead_letters_languages_and_lost_processes_are_counted(metrics, registry):
    metrics.dead_letter(DeadLetterCode.MALFORMED_AVRO)
    metrics.language_decided("ko", "audio")
    metrics.engine_process_lost("vosk:ko")
    assert registry.get_sample_value("moderation_dead_letters_total", {"code": "malformed_avro"}) == 1
    assert registry.get_sample_value("moderation_language_decisions_total", {"language": "ko", "source": "audio"}) == 1
    assert registry.get_sample_value("moderation_engine_processes_lost_total", {"engine": "vosk:ko"}) == 1
    metrics.decoding_process_lost()
    assert registry.get_sample_value("moderation_decoding_processes_lost_total") == 1


def intake_state(**changes) -> IntakeState:
    values = {
        "open_streams": 3,
        "open_utterances": 2,
        "queued_chunks": 5,
        "queued_chunks_limit": 512,
        "unacked_chunks": 7,
        "oldest_unacked_s": 1.5,
        "is_paused": True,
    }
    return IntakeState(**(values | changes))


def test_gauges_show_how_full_the_worker_is_now(metrics, registry):
    metrics.intake(intake_state())
    metrics.intake(intake_state(open_streams=2, unacked_chunks=0, oldest_unacked_s=0.0, is_paused=False))
    expected = {
        "moderation_open_streams": 2,
        "moderation_open_utterances": 2,
        "moderation_chunks_queued": 5,
        "moderation_chunks_queued_limit": 512,
        "moderation_chunks_in_flight": 0,
        "moderation_oldest_chunk_in_flight_seconds": 0,
        "moderation_intake_paused": 0,
    }
    assert {name: registry.get_sample_value(name) for name in expected} == expected


def test_a_pause_of_intake_is_shown_while_it_lasts_and_timed_by_its_bound(metrics, registry):
    metrics.intake(intake_state(is_paused=True))
    assert registry.get_sample_value("moderation_intake_paused") == 1
    metrics.intake_paused("unacked", 2.5)
    metrics.intake_paused("unacked", 0.5)
    assert registry.get_sample_value("moderation_intake_paused_seconds_total", {"bound": "unacked"}) == 3
    assert registry.get_sample_value("moderation_intake_paused_seconds_total", {"bound": "streams"}) is None


def test_oddities_of_streams_are_counted_apart(metrics, registry):
    metrics.redelivered()
    metrics.clock_jump()
    metrics.utterance_closed_early()
    metrics.stream_evicted()
    for name in ("messages_redelivered", "clock_jumps", "utterances_closed_early", "streams_evicted"):
        assert registry.get_sample_value(f"moderation_{name}_total") == 1


def test_commits_count_by_outcome(metrics, registry):
    metrics.commit(succeeded=True)
    metrics.commit(succeeded=True)
    metrics.commit(succeeded=False)
    assert registry.get_sample_value("moderation_commits_total", {"outcome": "succeeded"}) == 2
    assert registry.get_sample_value("moderation_commits_total", {"outcome": "failed"}) == 1


def test_resume_marks_are_shown_and_their_writes_counted_by_kind(metrics, registry):
    metrics.resume_marks(4)
    for kind in ("published", "published", "cleaned", "evicted"):
        metrics.resume_mark(kind)
    assert registry.get_sample_value("moderation_resume_marks") == 4
    assert registry.get_sample_value("moderation_resume_mark_writes_total", {"kind": "published"}) == 2
    assert registry.get_sample_value("moderation_resume_mark_writes_total", {"kind": "evicted"}) == 1


def test_rebalances_are_counted_and_the_last_one_says_what_is_assigned(metrics, registry):
    metrics.rebalanced(12)
    metrics.rebalanced(6)
    assert registry.get_sample_value("moderation_rebalances_total") == 2
    assert registry.get_sample_value("moderation_partitions_assigned") == 6


def test_memory_is_shown_by_role_and_forgotten_with_its_processes(metrics, registry):
    metrics.memory({"worker": 2_000, "engine": 1_000})
    metrics.memory({"worker": 3_000})
    assert registry.get_sample_value("moderation_resident_memory_bytes", {"role": "worker"}) == 3_000
    assert registry.get_sample_value("moderation_resident_memory_bytes", {"role": "engine"}) is None


def test_names_follow_the_rules_of_prometheus():
    """https://prometheus.io/docs/practices/naming: counters end in _total, units are base units."""
    for spec in METRICS:
        assert spec.name.endswith("_total") == (spec.kind == "counter")
        assert not any(unit in spec.name for unit in ("_ms", "milliseconds", "_mb", "_kb", "megabytes"))
        assert spec.meaning.endswith(".")


def test_what_was_said_and_who_said_it_is_in_no_label(metrics, registry):
    marked = replace(FLAG, text="SAID", identity=replace(FLAG.identity, speaker_id="WHO", stream_id="WHO"))
    metrics.flag(marked, confirmed_at=ENDED)
    exposed = generate_latest(registry).decode()
    assert "SAID" not in exposed
    assert "WHO" not in exposed


def test_every_metric_is_registered_and_in_the_table(metrics, registry):
    names = {name for family in registry.collect() for name in (family.name, f"{family.name}_total")}
    for spec in METRICS:
        assert spec.name in names
        assert f"| `{spec.name}` | {spec.kind} |" in metrics_table()
    assert {spec.name for spec in METRICS} == set(get_args(MetricName))


def test_two_registries_count_apart(metrics, registry):
    other = CollectorRegistry()
    Metrics(other).chunk("next")
    assert registry.get_sample_value("moderation_chunks_total", {"outcome": "next"}) is None
    assert other.get_sample_value("moderation_chunks_total", {"outcome": "next"}) == 1
