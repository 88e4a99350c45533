"""A worker in a process of its own behind the embedded broker, that streams are played to in real time."""

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from moderation.asr.once import HEARD_ONCE_ENVIRONMENT
from moderation.bench.tracks import CHUNK_MS, Track
from moderation.broker.embedded import EmbeddedBroker
from moderation.client.admin import apply_topics
from moderation.client.producer import AudioProducer
from moderation.clock import SystemClock
from moderation.demo.beside import run_beside
from moderation.demo.drain import counting_unfinished, until_finished
from moderation.demo.run import settings_for
from moderation.demo.worker_process import WorkerProcess, worker_arguments, worker_environment
from moderation.processes.cpu_time import family_cpu_s
from moderation.settings import Settings

_READY_DEADLINE_S = 180.0
_FINISH_DEADLINE_S = 60.0
_STOP_GRACE_S = 20.0


class LiveWorker:
    """A context manager; everything blocks."""

    def __init__(self, settings: Settings, *, engine: str, language: str) -> None:
        """A worker with the settings of the environment, but for one engine and one language, which streams name.

        `settings` are those to reach the broker with.
        """
        self._settings = settings
        self._engine = engine
        self._language = language
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._worker: WorkerProcess | None = None

    def __enter__(self) -> Self:
        """Start broker and worker.

        Raises:
            ConfigurationError: the broker cannot be started.
            WorkerFailed: the worker ended, or was not ready in time.
        """
        try:
            self._runner.run(self._start())
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def cpu_s(self) -> float:
        """Processor time of the worker and its processes so far, s."""
        return family_cpu_s(self._started.pid)

    def play(self, tracks: Sequence[Track]) -> None:
        """Play streams, all at once, each chunk when its last sample was spoken; return when all is published.

        Raises:
            WorkerFailed: the worker ended, or did not finish in time.
        """
        self._runner.run(run_beside(self._play(tracks), self._started.watch()))

    @property
    def _started(self) -> WorkerProcess:
        assert self._worker is not None  # noqa: S101  used within its context only
        return self._worker

    async def _start(self) -> None:
        broker = await self._stack.enter_async_context(EmbeddedBroker())
        self._settings = settings_for(self._settings, broker.bootstrap_servers)
        await apply_topics(self._settings)
        folder = Path(tempfile.mkdtemp(prefix="moderation-bench-"))
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        environment = worker_environment(os.environ, broker.bootstrap_servers) | {
            "MODERATION_ASR__ENGINES": json.dumps({"*": [self._engine]}),
            "MODERATION_LANGUAGE__CANDIDATES": json.dumps([self._language]),
            "MODERATION_LANGUAGE__DEFAULT": self._language,
            "MODERATION_LANGUAGE__IDENTIFY_AUDIO": "false",
        }
        environment |= HEARD_ONCE_ENVIRONMENT  # as what it is compared with
        self._worker = WorkerProcess(worker_arguments(None), environment=environment, folder=folder)
        self._stack.push_async_callback(self._worker.stop, _STOP_GRACE_S)
        await self._worker.start()
        await run_beside(self._worker.ready(_READY_DEADLINE_S), self._worker.watch())

    def _close(self) -> None:
        try:
            self._runner.run(self._stack.aclose())
        finally:
            self._runner.close()

    async def _play(self, tracks: Sequence[Track]) -> None:
        clock = SystemClock()
        async with AudioProducer(self._settings) as producer:
            async with asyncio.TaskGroup() as group:
                for number, track in enumerate(tracks):
                    # Streams begin spread over a chunk, as clients do that know nothing of each other.
                    delay_s = number * CHUNK_MS / 1000 / len(tracks)
                    group.create_task(_play_one(producer, track, delay_s))
            async with counting_unfinished(self._settings) as remaining:
                left = await until_finished(remaining, deadline_s=_FINISH_DEADLINE_S, clock=clock)
        if left:
            raise self._started.failure(f"the worker left {left} chunks unfinished after {_FINISH_DEADLINE_S:g} s")


async def _play_one(producer: AudioProducer, track: Track, delay_s: float) -> None:
    loop = asyncio.get_running_loop()
    begin_s, began_at = loop.time() + delay_s, datetime.now(UTC) + timedelta(seconds=delay_s)
    for number, chunk in enumerate(track.chunks):
        await asyncio.sleep(max(0.0, begin_s + (number + 1) * CHUNK_MS / 1000 - loop.time()))
        await producer.send(replace(chunk, captured_at=began_at + timedelta(milliseconds=number * CHUNK_MS)))
