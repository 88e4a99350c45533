"""The worker: one Faust application, its sessions, and an orderly end."""

import asyncio
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import faust
import structlog
from faust.types import TP

from moderation.audio.intake import StreamIntake
from moderation.clock import Clock
from moderation.contracts.audio_chunk import require_key
from moderation.contracts.codecs import Codecs
from moderation.errors import InvariantViolation, ModerationError, TransientError
from moderation.events import AudioChunk
from moderation.pipeline import Pipeline, StreamPipeline
from moderation.settings import Settings
from moderation.streaming.app import create_app
from moderation.streaming.context import SessionContexts
from moderation.streaming.outbox import KafkaOutbox
from moderation.streaming.publishing import Publisher
from moderation.streaming.received import RawMessage, ReceivedChunk
from moderation.streaming.router import IntakeRouter, Partition, RouterParts
from moderation.streaming.sequence import ArrivalOutcome
from moderation.streaming.session import SessionParts, StreamSession
from moderation.streaming.watchdog import ProgressWatchdog
from moderation.streaming.watermarks import ResumeWatermarks, Watermark
from moderation.telemetry.metrics import Metrics

WATCHDOG_INTERVAL_S = 5.0
APP_STOP_DEADLINE_S = 15.0
LATEST_TIMESTAMP_S = 253_402_300_800
"""The beginning of the year 10000, which no datetime can hold."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerParts:
    """What a worker is made of; bootstrap chooses the implementations."""

    settings: Settings
    codecs: Codecs
    pipeline: Pipeline
    new_intake: Callable[[], StreamIntake]
    clock: Clock
    metrics: Metrics


class Worker:
    """Runs until it is stopped or fails. One per process; `run` is called once, in the process's main event loop."""

    def __init__(self, parts: WorkerParts, *, on_ready: Callable[[], None]) -> None:
        self._parts = parts
        self._on_ready = on_ready
        self._is_ready = False
        self._stop = asyncio.Event()
        self._failure: BaseException | None = None
        self._watermarks = ResumeWatermarks(max_streams=4 * parts.settings.streaming.max_open_streams)

    @property
    def is_ready(self) -> bool:
        """Whether partitions were assigned."""
        return self._is_ready

    @property
    def problems(self) -> list[str]:
        """What is wrong, as codes; nothing means that all is well."""
        return [] if self._failure is None else [f"failed_{type(self._failure).__name__}"]

    @property
    def stopping(self) -> asyncio.Event:
        """Set once the worker has begun to end, asked or not."""
        return self._stop

    def stop(self) -> None:
        """End in order: publish what is under way, ack and commit it, leave the group."""
        self._stop.set()

    async def run(self) -> None:
        """Work until `stop` is called.

        Raises:
            ModerationError: the worker cannot go on; what was acked is published, the rest is delivered again.
        """
        asr = self._parts.settings.asr
        with (
            tempfile.TemporaryDirectory(prefix="voice-moderation-") as data_dir,
            ThreadPoolExecutor(1, thread_name_prefix="intake") as self._intake_pool,
            ThreadPoolExecutor(
                asr.whisper_workers + asr.vosk_processes, thread_name_prefix="recognition"
            ) as self._recognition_pool,
        ):
            app = create_app(self._parts.settings, data_dir=Path(data_dir))
            self._router = self._build_router(app)
            self._attach(app)
            await self._serve(app)
        if self._failure is not None:
            raise self._failure

    async def _serve(self, app: faust.App) -> None:
        app.finalize()
        watchdog = self._start_watching(app)
        try:
            await app.start()
            await self._stop.wait()
        finally:
            watchdog.cancel()
            await self._drain(app, for_good=True)
            await self._stop_app(app)

    def _build_router(self, app: faust.App) -> IntakeRouter:
        parts, streaming = self._parts, self._parts.settings.streaming
        publisher = Publisher(
            app,
            clock=parts.clock,
            timeout_s=streaming.publish_timeout_s,
            retry_deadline_s=streaming.retry_deadline_s,
        )
        outbox = KafkaOutbox(
            publisher,
            codecs=parts.codecs,
            topics=streaming,
            contexts=SessionContexts(utterances=streaming.context_utterances),
            clock=parts.clock,
            metrics=parts.metrics,
        )
        session_parts = SessionParts(
            outbox=outbox,
            clock=parts.clock,
            intake_pool=self._intake_pool,
            recognition_pool=self._recognition_pool,
            idle_utterance_s=streaming.idle_utterance_s,
            idle_stream_s=streaming.idle_stream_s,
            new_intake=parts.new_intake,
            open_pipeline=self._open_pipeline,
            on_arrival=self._on_arrival,
            on_taken=self._on_taken,
            on_finished=self._on_finished,
        )
        return IntakeRouter(
            RouterParts(
                decode=self._decode,
                new_session=lambda first: StreamSession(
                    session_parts, first, resume_after=self._watermarks.of(first.stream)
                ),
                rejecter=outbox,
                clock=parts.clock,
                max_chunks_in_flight=streaming.max_chunks_in_flight,
                max_open_streams=streaming.max_open_streams,
                on_failure=self._fail,
            )
        )

    def _attach(self, app: faust.App) -> None:
        topic = app.topic(self._parts.settings.streaming.audio_topic, key_type=bytes, value_type=bytes)

        async def ingest(stream: faust.Stream[bytes]) -> None:
            async for event in stream.noack().events():
                await self._router.route(raw_message(event.message), event.ack)

        app.agent(topic, concurrency=1, name="ingest")(ingest)
        app.on_partitions_revoked.connect(self._on_revoked, weak=False)
        app.on_partitions_assigned.connect(self._on_assigned, weak=False)

    async def _on_revoked(self, app: faust.App, revoked: set[TP], **_: Any) -> None:
        log.info("partitions_revoked", partitions=len(revoked))
        await self._drain(app)

    async def _on_assigned(self, app: faust.App, assigned: set[TP], **_: Any) -> None:
        self._router.open_partitions()
        log.info("partitions_assigned", partitions=len(assigned), generation=app.consumer_generation_id)
        if not self._is_ready:
            self._is_ready = True
            self._on_ready()

    async def _drain(self, app: faust.App, *, for_good: bool = False) -> None:
        deadline_s = self._parts.settings.streaming.drain_deadline_s
        await self._router.close_partitions(
            deadline_s=deadline_s, commit=lambda: self._commit(app, deadline_s), for_good=for_good
        )

    async def _commit(self, app: faust.App, deadline_s: float) -> None:
        try:
            async with asyncio.timeout(deadline_s):
                # Faust skips a commit while another is under way, and that one may not know of our last acks.
                await app.consumer.commit() or await app.consumer.commit()
        except Exception as error:  # noqa: BLE001  a failed commit costs a redelivery; shutdown goes on
            log.warning("commit_failed", error=type(error).__name__)

    async def _stop_app(self, app: faust.App) -> None:
        try:
            await asyncio.wait_for(app.stop(), APP_STOP_DEADLINE_S)
        except TimeoutError:
            log.warning("stop_deadline_passed")

    def _start_watching(self, app: faust.App) -> asyncio.Task[None]:
        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                self._fail(error)

        watchdog = asyncio.create_task(self._watch(app), name="watchdog")
        watchdog.add_done_callback(ended)
        return watchdog

    async def _watch(self, app: faust.App) -> None:
        watchdog = ProgressWatchdog(stuck_after_s=self._parts.settings.streaming.stuck_after_s)
        while True:
            await asyncio.sleep(WATCHDOG_INTERVAL_S)
            if app.crashed:
                # Nothing else tells: a crashed application has stopped consuming, and its calls return.
                kind = type(app.crash_reason).__name__
                self._fail(
                    TransientError(f"the Kafka consumer failed with {kind}; check the broker, restart the worker")
                )
            acked = self._router.progress
            self._parts.metrics.streams(open_streams=self._router.open_streams, waiting=self._router.waiting_for_ack)
            if watchdog.is_stuck(self._parts.clock.monotonic_s(), acked=acked, end=_end_offsets(app, acked)):
                self._fail(
                    TransientError("no message was finished for too long although there are some; restart the worker")
                )

    def _decode(self, message: RawMessage) -> AudioChunk:
        chunk = self._parts.codecs.audio_chunks.decode(message.value)
        # Order within a stream, and so everything that is concluded about it, rests on the key.
        require_key(chunk, message.key)
        return chunk

    def _open_pipeline(self, first: ReceivedChunk) -> StreamPipeline:
        chunk = first.chunk
        return self._parts.pipeline.open_stream(stream_id=chunk.stream_id, language_hint=chunk.language_hint)

    def _on_arrival(self, outcome: ArrivalOutcome) -> None:
        self._parts.metrics.chunk(outcome.arrival.value, missing=outcome.missing)

    def _on_taken(self) -> None:
        self._router.chunk_taken()

    def _on_finished(self, received: ReceivedChunk) -> None:
        chunk = received.chunk
        self._watermarks.advance(received.stream, Watermark(sequence=chunk.sequence, captured_at=chunk.captured_at))

    def _fail(self, error: BaseException) -> None:
        """Remember the first failure and stop."""
        if self._failure is None:
            self._failure = error if isinstance(error, ModerationError) else _unexpected(error)
            log.error("worker_failing", error=type(error).__name__)
        self._stop.set()


def raw_message(message: Any) -> RawMessage:
    """A Faust message as a plain value."""
    headers = message.headers or {}
    pairs = headers.items() if isinstance(headers, dict) else headers
    return RawMessage(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=_instant(message.timestamp),
        key=message.key,
        value=message.value,
        headers=tuple((name, value) for name, value in pairs),
    )


def _instant(timestamp_s: float | None) -> datetime | None:
    """The instant of a record, None where it has none or one that no clock could give: producers set it freely."""
    if timestamp_s is None or not 0 < timestamp_s < LATEST_TIMESTAMP_S:
        return None
    return datetime.fromtimestamp(timestamp_s, tz=UTC)


def _unexpected(error: BaseException) -> ModerationError:
    return InvariantViolation(f"{type(error).__name__} escaped a stream's session; please report it")


def _end_offsets(app: faust.App, acked: dict[Partition, int]) -> dict[Partition, int]:
    """The offset of the next message to be written, where the consumer knows it."""
    return {
        (topic, partition): end
        for topic, partition in acked
        if (end := app.consumer.highwater(TP(topic, partition))) is not None
    }
