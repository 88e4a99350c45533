"""A worker without Faust and Kafka: messages are handed to it, and what it publishes is confirmed at once.

Everything between is a worker's own: Avro, order, sessions, intake, recognition, judging, events, resume marks, acks.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry

from moderation.asr.once import HEARD_ONCE
from moderation.audio.confined.decoding import ConfinedDecoding
from moderation.audio.decode import open_confined_decoder
from moderation.bootstrap import intake_factory
from moderation.clock import SystemClock
from moderation.contracts.codecs import Codecs, load_codecs
from moderation.events import AudioChunk
from moderation.pipeline import Pipeline
from moderation.settings import SchemaRegistrySettings, Settings
from moderation.streaming.assembly import INTERIM_THREADS, WorkerParts, assemble, recognition_threads
from moderation.streaming.received import RawMessage
from moderation.streaming.router import IntakeRouter
from moderation.telemetry.metrics import Metrics

_POLL_S = 0.005
_STOP_DEADLINE_S = 10.0


def with_engine(settings: Settings, engine: str) -> Settings:
    """The settings with one engine for all languages; streams name theirs, so that none is identified."""
    asr = settings.asr.model_copy(update={"engines": {"*": [engine]}})
    language = settings.language.model_copy(update={"identify_audio": False})
    return settings.model_copy(update={"asr": asr, "language": language})


class InnerWorker:
    """Takes messages of one partition."""

    def __init__(self, router: IntakeRouter, codecs: Codecs, failures: list[BaseException]) -> None:
        self._router = router
        self._codecs = codecs
        self._failures = failures
        self._next_offset = 0

    @property
    def unacked(self) -> int:
        """Chunks that are held: of utterances under way, and what a stream needs to go on elsewhere."""
        return self._router.waiting_for_ack

    async def take(self, chunks: Iterable[tuple[str, bytes]]) -> None:
        """Take chunks as `encoded` gives them, each once there is room for it.

        Raises:
            ModerationError: what would have ended a worker.
        """
        for key, value in chunks:
            await self._router.route(
                RawMessage(
                    topic="voice-audio",
                    partition=0,
                    offset=self._next_offset,
                    timestamp=datetime.now(UTC),
                    key=key.encode(),
                    value=value,
                    headers=(),
                )
            )
            self._next_offset += 1
        self._raise_failure()

    async def looked_at(self) -> None:
        """Return when every chunk was heard; utterances may be under way."""
        while self._router.queued_chunks:  # noqa: ASYNC110  the router tells nobody
            await asyncio.sleep(_POLL_S)
        self._raise_failure()

    async def finished(self) -> None:
        """Return when everything is published and acked: all streams must have ended."""
        while self._router.waiting_for_ack:
            await asyncio.sleep(_POLL_S)
            self._raise_failure()

    def encoded(self, chunks: Iterable[AudioChunk]) -> list[tuple[str, bytes]]:
        """Key and value of the messages that hold chunks."""
        return [(chunk.stream_id, self._codecs.audio_chunks.encode(chunk)) for chunk in chunks]

    def _raise_failure(self) -> None:
        if self._failures:
            raise self._failures[0]


@asynccontextmanager
async def inner_worker(settings: Settings, pipeline: Pipeline) -> AsyncIterator[InnerWorker]:
    """Assemble one around a pipeline; leaving it gives up what is under way.

    Settings of broker and schema registry do not matter: chunks are framed without a registry. Nothing is told before
    an utterance ends: what it is compared with hears each utterance once.
    """
    once = settings.asr.model_copy(update=HEARD_ONCE)
    settings = settings.model_copy(update={"schema_registry": SchemaRegistrySettings(), "asr": once})
    codecs = load_codecs(settings)
    failures: list[BaseException] = []
    with (
        # Its process is started by the first payload that needs it.
        closing(ConfinedDecoding(settings.audio)) as decoding,
        ThreadPoolExecutor(1, thread_name_prefix="intake") as intake_pool,
        ThreadPoolExecutor(recognition_threads(settings.asr), thread_name_prefix="recognition") as recognition_pool,
        ThreadPoolExecutor(INTERIM_THREADS, thread_name_prefix="interim") as interim_pool,
    ):
        parts = WorkerParts(
            settings=settings,
            codecs=codecs,
            pipeline=pipeline,
            new_intake=intake_factory(settings, open_confined_decoder(decoding)),
            clock=SystemClock(),
            metrics=Metrics(CollectorRegistry()),
        )
        made = assemble(
            parts,
            _NoBroker(),
            intake_pool=intake_pool,
            recognition_pool=recognition_pool,
            interim_pool=interim_pool,
            on_failure=failures.append,
        )
        made.router.open_partitions(generation=0)
        try:
            yield InnerWorker(made.router, codecs, failures)
        finally:
            await made.router.close_partitions(deadline_s=_STOP_DEADLINE_S, commit=_commit, for_good=True)


async def _commit(_offsets: object) -> None:
    pass


class _NoBroker:
    """In the place of Faust's application and its producer: whatever is sent is confirmed."""

    @property
    def producer(self) -> "_NoBroker":
        return self

    async def send(self, *_message: Any) -> "asyncio.Future[None]":
        confirmation: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        confirmation.set_result(None)
        return confirmation
