"""Every metric, as data: the code that counts and the table in README are made from this."""

from dataclasses import dataclass
from typing import Literal

MetricName = Literal[
    "moderation_chunks_total",
    "moderation_chunks_missing_total",
    "moderation_messages_redelivered_total",
    "moderation_clock_jumps_total",
    "moderation_utterances_closed_early_total",
    "moderation_utterances_total",
    "moderation_audio_seconds_total",
    "moderation_flags_total",
    "moderation_provisional_flags_total",
    "moderation_interim_decodes_total",
    "moderation_early_recognitions_total",
    "moderation_detections_total",
    "moderation_dead_letters_total",
    "moderation_language_decisions_total",
    "moderation_engine_processes_lost_total",
    "moderation_decoding_processes_lost_total",
    "moderation_stage_seconds",
    "moderation_real_time_factor",
    "moderation_end_of_speech_to_flag_seconds",
    "moderation_open_streams",
    "moderation_open_utterances",
    "moderation_streams_evicted_total",
    "moderation_chunks_queued",
    "moderation_chunks_queued_limit",
    "moderation_chunks_in_flight",
    "moderation_oldest_chunk_in_flight_seconds",
    "moderation_intake_paused",
    "moderation_intake_paused_seconds_total",
    "moderation_commits_total",
    "moderation_resume_marks",
    "moderation_resume_mark_writes_total",
    "moderation_partitions_assigned",
    "moderation_rebalances_total",
    "moderation_resident_memory_bytes",
]

MetricKind = Literal["counter", "gauge", "histogram"]

_STAGE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LATENCY_BUCKETS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 20.0, 30.0, 60.0, 300.0)
_RTF_BUCKETS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """One metric. Labels take few values each: never an id, never anything that was said."""

    name: MetricName
    kind: MetricKind
    labels: tuple[str, ...] = ()
    meaning: str
    buckets: tuple[float, ...] = ()
    """Upper bounds, of histograms only."""


METRICS = (
    MetricSpec(
        name="moderation_chunks_total",
        kind="counter",
        labels=("outcome",),
        meaning="Audio chunks, by how they arrived: next, reordered (waited for their turn), gap (some are missing "
        "before it), after_end (the stream had ended), restart (the stream id was used again), duplicate (skipped), "
        "late (a dead letter).",
    ),
    MetricSpec(
        name="moderation_chunks_missing_total",
        kind="counter",
        meaning="Audio chunks that never arrived, by the gaps in sequence numbers.",
    ),
    MetricSpec(
        name="moderation_messages_redelivered_total",
        kind="counter",
        meaning="Messages that Kafka delivered to this worker again, although they were in hand or acknowledged.",
    ),
    MetricSpec(
        name="moderation_clock_jumps_total",
        kind="counter",
        meaning="Jumps of a producer's clock: capture times that do not fit the audio between them.",
    ),
    MetricSpec(
        name="moderation_utterances_closed_early_total",
        kind="counter",
        meaning="Open utterances that were closed because too many chunks waited behind them.",
    ),
    MetricSpec(
        name="moderation_utterances_total",
        kind="counter",
        labels=("language", "engine"),
        meaning="Utterances that were recognised and judged.",
    ),
    MetricSpec(
        name="moderation_audio_seconds_total",
        kind="counter",
        labels=("engine",),
        meaning="Audio of those utterances, s.",
    ),
    MetricSpec(
        name="moderation_flags_total",
        kind="counter",
        labels=("severity", "action"),
        meaning="Flags that were published and confirmed, counted with their final revision.",
    ),
    MetricSpec(
        name="moderation_provisional_flags_total",
        kind="counter",
        labels=("outcome",),
        meaning="Provisional flags: told (published while the speaker went on; every revision counts), withdrawn (the "
        "whole utterance was not worth a flag).",
    ),
    MetricSpec(
        name="moderation_interim_decodes_total",
        kind="counter",
        labels=("outcome",),
        meaning="Listenings to utterances that went on: heard, late (the utterance ended before).",
    ),
    MetricSpec(
        name="moderation_early_recognitions_total",
        kind="counter",
        labels=("outcome",),
        meaning="Utterances recognised at a pause that might have been their end: used (it was), vain (they went on).",
    ),
    MetricSpec(
        name="moderation_detections_total",
        kind="counter",
        labels=("category", "severity"),
        meaning="Categories found in those flags; a flag may hold several.",
    ),
    MetricSpec(
        name="moderation_dead_letters_total",
        kind="counter",
        labels=("code",),
        meaning="Messages that could not be processed, by reason.",
    ),
    MetricSpec(
        name="moderation_language_decisions_total",
        kind="counter",
        labels=("language", "source"),
        meaning="Streams whose language was settled for recognition, and by what: hint, audio or default.",
    ),
    MetricSpec(
        name="moderation_engine_processes_lost_total",
        kind="counter",
        labels=("engine",),
        meaning="Speech recognition processes that died or were killed because they hung; what they heard is heard "
        "again.",
    ),
    MetricSpec(
        name="moderation_decoding_processes_lost_total",
        kind="counter",
        meaning="Processes for decoding FLAC and Ogg that died, hung or were ended with a payload in hand; each was "
        "replaced.",
    ),
    MetricSpec(
        name="moderation_stage_seconds",
        kind="histogram",
        labels=("stage",),
        meaning="Time of one utterance in a stage, s; `endpointing` is the silence waited for, `waiting` the queue, "
        "`interim` a listening while it went on.",
        buckets=_STAGE_BUCKETS,
    ),
    MetricSpec(
        name="moderation_real_time_factor",
        kind="histogram",
        labels=("engine",),
        meaning="Processing time of an utterance over its duration, waiting and endpointing left out.",
        buckets=_RTF_BUCKETS,
    ),
    MetricSpec(
        name="moderation_end_of_speech_to_flag_seconds",
        kind="histogram",
        meaning="From the end of speech, by the producer's clock, to the broker's confirmation of the flag, s.",
        buckets=_LATENCY_BUCKETS,
    ),
    MetricSpec(
        name="moderation_open_streams",
        kind="gauge",
        meaning="Streams that the worker holds state for.",
    ),
    MetricSpec(
        name="moderation_open_utterances",
        kind="gauge",
        meaning="Streams with an utterance that is not finished.",
    ),
    MetricSpec(
        name="moderation_streams_evicted_total",
        kind="counter",
        meaning="Resting streams whose state was given up to make room for others; they go on at their resume mark.",
    ),
    MetricSpec(
        name="moderation_chunks_queued",
        kind="gauge",
        meaning="Chunks that were taken from the broker and wait to be looked at.",
    ),
    MetricSpec(
        name="moderation_chunks_queued_limit",
        kind="gauge",
        meaning="Queued chunks at which intake pauses.",
    ),
    MetricSpec(
        name="moderation_chunks_in_flight",
        kind="gauge",
        meaning="Chunks that were taken from the broker and are not acknowledged yet.",
    ),
    MetricSpec(
        name="moderation_oldest_chunk_in_flight_seconds",
        kind="gauge",
        meaning="Age of the chunk that has waited longest to be acknowledged, s; 0 when none waits.",
    ),
    MetricSpec(
        name="moderation_intake_paused",
        kind="gauge",
        meaning="1 while a bound is reached and nothing is taken from the broker, otherwise 0.",
    ),
    MetricSpec(
        name="moderation_intake_paused_seconds_total",
        kind="counter",
        labels=("bound",),
        meaning="Time of such pauses, counted when they end, s, by bound: chunks (queued), streams (open), unacked.",
    ),
    MetricSpec(
        name="moderation_commits_total",
        kind="counter",
        labels=("outcome",),
        meaning="Commits of offsets: succeeded or failed. A failed one is made good by the next.",
    ),
    MetricSpec(
        name="moderation_resume_marks",
        kind="gauge",
        meaning="Resume marks of the assigned partitions that are held.",
    ),
    MetricSpec(
        name="moderation_resume_mark_writes_total",
        kind="counter",
        labels=("kind",),
        meaning="Writes to the topic of resume marks: published (a mark was moved), and tombstones: cleaned (its "
        "stream ended or went idle), evicted (there were too many).",
    ),
    MetricSpec(
        name="moderation_partitions_assigned",
        kind="gauge",
        meaning="Partitions that the worker was given in the last rebalance.",
    ),
    MetricSpec(
        name="moderation_rebalances_total",
        kind="counter",
        meaning="Rebalances of the consumer group that the worker took part in.",
    ),
    MetricSpec(
        name="moderation_resident_memory_bytes",
        kind="gauge",
        labels=("role",),
        meaning="Memory by what the processes do, bytes, shared memory divided among those that share it: worker, "
        "engine_server (holds a Vosk model), engine (each hears an utterance), other.",
    ),
)


def metrics_table() -> str:
    """Every metric as a Markdown table: name, kind, labels, meaning."""
    rows = [
        f"| `{spec.name}` | {spec.kind} | {', '.join(f'`{label}`' for label in spec.labels)} | {spec.meaning} |"
        for spec in METRICS
    ]
    return "\n".join(["| metric | kind | labels | meaning |", "| --- | --- | --- | --- |", *rows])
