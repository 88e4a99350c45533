"""The demo from start to end: broker, topics, worker, play, flags as they arrive, summary; nothing is left behind."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from moderation.broker.embedded import EmbeddedBroker
from moderation.client.admin import apply_topics
from moderation.client.producer import AudioProducer
from moderation.client.reader import EventReader
from moderation.clock import Clock
from moderation.demo.beside import run_beside
from moderation.demo.drain import counting_unfinished, until_finished
from moderation.demo.manifest import Manifest
from moderation.demo.player import Track, durations_ms, play, prepare_tracks, read_clips
from moderation.demo.scenario import Scenario
from moderation.demo.summary import summary_table
from moderation.demo.table import FlagTable
from moderation.demo.tally import SeenFlag, Tally
from moderation.demo.timeline import Placed, place_all
from moderation.demo.worker_process import WorkerProcess, worker_arguments, worker_environment
from moderation.errors import ModerationError
from moderation.settings import KafkaSettings, SchemaRegistrySettings, Settings

_READY_DEADLINE_S = 180.0
_FINISH_DEADLINE_S = 60.0
_STOP_GRACE_S = 20.0
_LAST_READ_S = 0.7
"""Longer than a reader waits for the broker in one go, so that everything published is read."""
_PROGRESS_S = 0.25
_FROM_THE_START = {"follow": True, "beginning": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """How to run the demo. `config` is the settings file, for the worker."""

    plain: bool = False
    keep_logs: bool = False
    config: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What is going to be played."""

    tracks: Sequence[Track]
    placed: Sequence[Placed]


class Demo:
    """Plays a scenario once through a broker and a worker of its own, and shows what comes back."""

    def __init__(
        self,
        settings: Settings,
        options: DemoOptions,
        *,
        scenario: Scenario,
        manifest: Manifest,
        console: Console,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._options = options
        self._scenario = scenario
        self._manifest = manifest
        self._console = console
        self._clock = clock
        self._tally = Tally()
        self._started_s = clock.monotonic_s()
        self._first_flag_s: float | None = None

    async def run(self) -> None:
        """Run it. Cancelling it, as Ctrl-C does, ends the worker and the broker before it returns.

        Raises:
            WorkerFailed: the worker ended, was never ready or did not finish; its log is kept, the message names it.
            TransientError: the broker does not answer any more.
            ConfigurationError: broker or clips are missing.
        """
        with _log_folder(self._console, keep=self._options.keep_logs) as folder:
            async with EmbeddedBroker() as broker:
                settings = settings_for(self._settings, broker.bootstrap_servers)
                await apply_topics(settings)
                worker = WorkerProcess(
                    worker_arguments(self._options.config),
                    environment=worker_environment(os.environ, broker.bootstrap_servers),
                    folder=folder,
                )
                try:
                    await worker.start()
                    self._console.print(f"A broker runs on {broker.bootstrap_servers}; the worker loads its models ...")
                    await run_beside(self._session(settings, worker), worker.watch())
                finally:
                    await worker.stop(_STOP_GRACE_S)

    async def _session(self, settings: Settings, worker: WorkerProcess) -> None:
        prepared, _ = await asyncio.gather(asyncio.to_thread(self._prepare), worker.ready(_READY_DEADLINE_S))
        streams, seconds = len(prepared.tracks), self._scenario.duration_s
        ready = f"Ready after {self._since_start_s():.1f} s."
        self._console.print(f"{ready} Playing {streams} streams of voice chat for {seconds:g} s.\n")
        with FlagTable(self._console, plain=self._options.plain) as table:
            table.heading()
            await run_beside(
                self._play(settings, worker, prepared),
                self._read_flags(settings, table),
                self._read_transcripts(settings),
                self._read_dead_letters(settings),
                self._show_progress(table),
            )
        self._summarise(prepared)
        if not self._tally.counts[0]:
            raise worker.failure("nothing came back from the worker")

    def _prepare(self) -> Prepared:
        clips = read_clips(self._manifest.clips)
        placed = place_all(self._scenario, durations_ms(clips))
        return Prepared(tracks=prepare_tracks(self._scenario, placed, clips), placed=placed)

    async def _play(self, settings: Settings, worker: WorkerProcess, prepared: Prepared) -> None:
        async with AudioProducer(settings, clock=self._clock) as producer:
            await play(prepared.tracks, self._scenario, send=producer.send, clock=self._clock)
        async with counting_unfinished(settings) as remaining:
            left = await until_finished(remaining, deadline_s=_FINISH_DEADLINE_S, clock=self._clock)
        if left:
            raise worker.failure(f"the worker left {left} chunks unfinished after {_FINISH_DEADLINE_S:g} s")
        await asyncio.sleep(_LAST_READ_S)

    async def _read_flags(self, settings: Settings, table: FlagTable) -> None:
        async with EventReader.flags(settings, **_FROM_THE_START) as flags:
            async for flag in flags:
                seen = SeenFlag(flag=flag, arrived_at=self._clock.now())
                self._first_flag_s = self._first_flag_s or self._since_start_s()
                self._tally.add_flag(seen)
                table.show(seen)

    async def _read_transcripts(self, settings: Settings) -> None:
        async with EventReader.transcripts(settings, **_FROM_THE_START) as transcripts:
            async for transcript in transcripts:
                self._tally.add_transcript(transcript)

    async def _read_dead_letters(self, settings: Settings) -> None:
        async with EventReader.dead_letters(settings, **_FROM_THE_START) as dead_letters:
            async for _ in dead_letters:
                self._tally.add_dead_letter()

    async def _show_progress(self, table: FlagTable) -> None:
        started_s = self._clock.monotonic_s()
        while True:
            played_s = min(self._clock.monotonic_s() - started_s, self._scenario.duration_s)
            utterances, flags, dead_letters = self._tally.counts
            table.progress(
                f"{played_s:4.0f} s of {self._scenario.duration_s:g} s   utterances {utterances}   flags {flags}"
                f"   dead letters {dead_letters}   (Ctrl-C stops)"
            )
            await asyncio.sleep(_PROGRESS_S)

    def _summarise(self, prepared: Prepared) -> None:
        plans = [track.plan for track in prepared.tracks]
        sessions = len({plan.session_id for plan in plans})
        summary = self._tally.summarise(prepared.placed, self._manifest, streams=len(plans), sessions=sessions)
        self._console.print()
        self._console.print(summary_table(summary, first_flag_s=self._first_flag_s))

    def _since_start_s(self) -> float:
        return self._clock.monotonic_s() - self._started_s


def settings_for(settings: Settings, bootstrap_servers: str) -> Settings:
    """The settings with the demo's own broker in place of any other, and how that is reached."""
    own = {"broker": bootstrap_servers, "kafka": KafkaSettings(), "schema_registry": SchemaRegistrySettings()}
    return settings.model_copy(update=own)


@contextmanager
def _log_folder(console: Console, *, keep: bool) -> Iterator[Path]:
    """A folder for the worker's log, removed at the end unless it is to be kept or something failed."""
    folder = Path(tempfile.mkdtemp(prefix="voice-moderation-demo-"))
    try:
        yield folder
    except ModerationError:
        keep = True
        raise
    finally:
        if keep:
            console.print(f"The worker's log is kept in {folder}.", soft_wrap=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
