"""Putting a worker's parts together: which of them knows which."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import faust

from moderation.audio.intake import StreamIntake
from moderation.clock import Clock
from moderation.contracts.codecs import Codecs
from moderation.events import ResumeMark, ResumePoint
from moderation.language.stream import LanguageMemory
from moderation.pipeline import Pipeline, StreamPipeline
from moderation.settings import AsrSettings, Settings
from moderation.streaming.context import SessionContexts
from moderation.streaming.dead_letter_guard import DeadLetterGuard
from moderation.streaming.early import EarlyDesk
from moderation.streaming.interims import InterimDesk
from moderation.streaming.mark_topic import MarkTopic
from moderation.streaming.marks import ResumeMarks
from moderation.streaming.messages import received_chunk
from moderation.streaming.observing import WorkerObserver
from moderation.streaming.outbox import KafkaOutbox
from moderation.streaming.publishing import Publisher
from moderation.streaming.received import ReceivedChunk
from moderation.streaming.router import IntakeRouter, RouterLimits, RouterParts
from moderation.streaming.session import StreamSession
from moderation.streaming.session_parts import PartialsUse, SessionLimits, SessionParts
from moderation.streaming.silence import LogSilence
from moderation.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerParts:
    """What a worker is made of; bootstrap chooses the implementations."""

    settings: Settings
    codecs: Codecs
    pipeline: Pipeline
    new_intake: Callable[[ResumePoint | None], StreamIntake]
    clock: Clock
    metrics: Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """The parts of a worker that know each other."""

    router: IntakeRouter
    marks: ResumeMarks
    mark_topic: MarkTopic
    silence: LogSilence
    observer: WorkerObserver
    guard: DeadLetterGuard


def assemble(
    parts: WorkerParts,
    app: faust.App,
    *,
    intake_pool: Executor,
    recognition_pool: Executor,
    interim_pool: Executor,
    on_failure: Callable[[BaseException], None],
) -> Assembly:
    """Build what works around a Faust application; nothing is started."""
    settings, streaming = parts.settings, parts.settings.streaming
    observer = WorkerObserver(parts.metrics, clock=parts.clock, queued_chunks_limit=streaming.max_chunks_in_flight)
    guard = DeadLetterGuard(streaming, clock=parts.clock, on_failure=on_failure)
    publisher = Publisher(
        app, clock=parts.clock, timeout_s=streaming.publish_timeout_s, retry_deadline_s=streaming.retry_deadline_s
    )
    outbox = KafkaOutbox(
        publisher,
        codecs=parts.codecs,
        topics=streaming,
        contexts=SessionContexts(utterances=streaming.context_utterances),
        clock=parts.clock,
        metrics=parts.metrics,
        on_dead_letter=guard.letter,
    )
    mark_topic = MarkTopic(settings, publisher, parts.codecs)
    marks = ResumeMarks(
        mark_topic,
        clock=parts.clock,
        observer=observer,
        max_streams=streaming.max_resume_marks,
        idle_s=streaming.resume_idle_s,
    )
    silence = LogSilence(parts.clock, event_s=streaming.idle_event_s)
    interims = InterimDesk(
        interim_pool,
        parts.clock,
        share=settings.asr.interim_share,
        on_made=lambda seconds: parts.metrics.stage("interim", seconds),
    )
    session_parts = SessionParts(
        outbox=outbox,
        clock=parts.clock,
        limits=SessionLimits(
            idle_utterance_s=streaming.idle_utterance_s,
            idle_stream_s=streaming.idle_stream_s,
            reorder_window=streaming.reorder_window_chunks,
        ),
        silence=silence,
        observer=observer,
        intake_pool=intake_pool,
        recognition_pool=recognition_pool,
        interims=interims,
        early=EarlyDesk(interim_pool, parts.clock, interims, share=settings.asr.early_share),
        partials=PartialsUse(published=settings.asr.publish_partials, flagged=settings.asr.flag_partials),
        new_intake=parts.new_intake,
        open_pipeline=lambda first, mark: open_pipeline(parts.pipeline, first, mark),
        on_taken=lambda: router.chunk_taken(),  # noqa: PLW0108  the router is made below
    )
    router = IntakeRouter(
        RouterParts(
            receive=lambda message: received_chunk(message, parts.codecs, parts.clock),
            new_session=lambda first: new_session(session_parts, marks, first),
            rejecter=outbox,
            clock=parts.clock,
            limits=RouterLimits(
                max_chunks_in_flight=streaming.max_chunks_in_flight,
                max_open_streams=streaming.max_open_streams,
                max_unacked_chunks=streaming.max_unacked_chunks,
            ),
            observer=observer,
            on_failure=on_failure,
        )
    )
    return Assembly(router=router, marks=marks, mark_topic=mark_topic, silence=silence, observer=observer, guard=guard)


INTERIM_THREADS = 2
"""One for interim decodes and one for what is recognised early."""


def recognition_threads(asr: AsrSettings) -> int:
    """How many threads recognise: as many as utterances are decoded together, for they wait while that happens."""
    return asr.whisper_workers * asr.whisper_batch + asr.vosk_workers


def new_session(session_parts: SessionParts, marks: ResumeMarks, first: ReceivedChunk) -> StreamSession:
    """The session of a stream: where its mark says, or, for dead letters that are replayed, apart from any mark."""
    if first.is_replay:
        return StreamSession(session_parts, first)
    partition = (first.message.topic, first.message.partition)

    async def move_mark(mark: ResumeMark) -> None:
        await marks.put(partition, mark)

    return StreamSession(session_parts, first, resume=marks.of(partition, first.stream), move_mark=move_mark)


def open_pipeline(pipeline: Pipeline, first: ReceivedChunk, mark: ResumeMark | None) -> StreamPipeline:
    """The pipeline of a stream; it remembers the language when utterances came before."""
    memory = LanguageMemory(heard=mark.heard, read=mark.read) if mark and mark.point.utterances else None
    return pipeline.open_stream(
        stream_id=first.chunk.stream_id,
        language_hint=first.chunk.language_hint,
        memory=memory,
        is_live=not first.is_replay,
    )
