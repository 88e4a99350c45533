"""One fault run: the faulted run, the reference run, and what their topics say."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from loadtest.faults.broker import Outages, proxied_broker
from loadtest.faults.compare import compare
from loadtest.faults.dead_letters import check_dead_letters
from loadtest.faults.facts import EarlyFlags, flag_fact, standing, utterance_fact
from loadtest.faults.fleet import Fleet, FleetLog
from loadtest.faults.injector import Injector
from loadtest.faults.options import FaultOptions
from loadtest.faults.player import Player, Sent, aligned_now, hints
from loadtest.faults.result import FaultResult
from loadtest.faults.schedule import plan_faults
from loadtest.faults.script import StreamScript, write_scripts
from loadtest.faults.takeover import Output, summarise_takeovers, takeovers
from loadtest.faults.topics import Outputs, RunNames, read_outputs, read_poison, until_committed
from loadtest.processes import READY_DEADLINE_S, ProcessFailed, apply_topics, own_names, worker_environment
from loadtest.sounds import load_sounds
from moderation.contracts.codecs import Codecs, load_codecs
from moderation.settings import Settings

FINISH_PATIENCE_S = 120.0
"""How long nothing may be committed, after the last chunk and the last fault, while something is left."""
TELL_EVERY_S = 10.0
AHEAD_S = 0.5
_POLL_S = 0.2

OWN_BROKER = (
    "embedded (Tansu, in memory) behind a TCP proxy; an outage cuts every connection and refuses new ones, and the log "
    "stays: the broker process is not restarted"
)
OTHER_BROKER = "given; outages are not possible"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Played:
    names: RunNames
    sent: Sent
    log: FleetLog
    seconds: float
    unfinished: int
    began_at: datetime


class FaultRun:
    """Runs once."""

    def __init__(self, options: FaultOptions, *, on_progress: Callable[[str], None]) -> None:
        self._options = options
        self._tell = on_progress
        self._run_id = uuid4().hex[:6]
        self._codecs: Codecs = load_codecs(Settings())
        self._rng = random.Random(options.seed)

    async def run(self) -> FaultResult:
        """Play, hurt, play again undisturbed, compare.

        Raises:
            ProcessFailed: the broker or the first workers did not start.
        """
        scripts = write_scripts(self._options, load_sounds(), prefix=self._run_id, rng=self._rng)
        async with self._broker() as (bootstrap, outages):
            faulted = await self._faulted(bootstrap, outages, scripts)
            reference = await self._reference(bootstrap, scripts, faulted.began_at)
            return await self._judge(bootstrap, scripts, faulted, reference)

    @asynccontextmanager
    async def _broker(self) -> AsyncIterator[tuple[str, Outages | None]]:
        if self._options.broker:
            yield self._options.broker, None
            return
        async with proxied_broker(self._options.folder) as own:
            yield own

    async def _faulted(self, bootstrap: str, outages: Outages | None, scripts: Sequence[StreamScript]) -> _Played:
        options = self._options
        faults = plan_faults(
            options.counts,
            seconds=options.seconds,
            workers=options.workers,
            session_timeout_s=options.effective_session_timeout_s,
            rng=self._rng,
        )
        async with self._fleet(bootstrap, "faulted", options.workers, options.worker_settings()) as (fleet, names):
            injector = Injector(fleet, outages, rng=self._rng, on_progress=self._tell)
            begin_s, began_at = aligned_now(AHEAD_S)
            async with AsyncExitStack() as stack, self._player(bootstrap, names, 1.0) as player:
                for task in (self._supervise(fleet), self._tell_progress(fleet, player, begin_s)):
                    stack.callback(asyncio.create_task(task).cancel)
                async with asyncio.TaskGroup() as group:
                    group.create_task(player.play(scripts, begin_s=begin_s, began_at=began_at))
                    group.create_task(injector.run(faults, begin_s))
                    group.create_task(
                        player.poison(scripts, every_s=options.poison_every_s, seconds=options.seconds, begin_s=begin_s)
                    )
                unfinished = await self._finish(bootstrap, names, player.sent)
                seconds = time.monotonic() - begin_s
            sent = player.sent
        return _Played(names=names, sent=sent, log=fleet.log, seconds=seconds, unfinished=unfinished, began_at=began_at)

    async def _reference(self, bootstrap: str, scripts: Sequence[StreamScript], began_at: datetime) -> _Played:
        """The same chunks, the same instants in them, one worker that nobody disturbs."""
        speed = self._options.reference_speed
        self._tell(f"reference run at {speed:g} times real time")
        async with self._fleet(bootstrap, "reference", 1, self._options.reference_settings()) as (fleet, names):
            begin_s, _ = aligned_now(AHEAD_S)
            async with self._player(bootstrap, names, speed) as player:
                await player.play(scripts, begin_s=begin_s, began_at=began_at)
            unfinished = await self._finish(bootstrap, names, player.sent)
        seconds = time.monotonic() - begin_s
        return _Played(
            names=names, sent=player.sent, log=fleet.log, seconds=seconds, unfinished=unfinished, began_at=began_at
        )

    @asynccontextmanager
    async def _fleet(
        self, bootstrap: str, name: str, wanted: int, settings: Mapping[str, object]
    ) -> AsyncIterator[tuple[Fleet, RunNames]]:
        """Workers with topics of their own, all ready; stopped in order at the end, or killed after a failure."""
        folder = self._options.folder / name
        folder.mkdir()
        run_id = f"{name}-{self._run_id}"
        environment = worker_environment(bootstrap, run_id, settings)
        await asyncio.to_thread(apply_topics, environment, folder)
        fleet = Fleet(folder, environment, wanted=wanted, prefix=name)
        try:
            for _ in range(wanted):
                fleet.start()
            await _until_all_serve(fleet, wanted)
            yield fleet, RunNames.of(own_names(run_id))
            await asyncio.to_thread(fleet.stop)
        finally:
            await asyncio.to_thread(fleet.abandon)

    @asynccontextmanager
    async def _player(self, bootstrap: str, names: RunNames, speed: float) -> AsyncIterator[Player]:
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
            yield Player(producer, self._codecs, topic=names.audio, speed=speed)

    async def _supervise(self, fleet: Fleet) -> None:
        await Injector(fleet, None, rng=self._rng, on_progress=self._tell).supervise()

    async def _tell_progress(self, fleet: Fleet, player: Player, begin_s: float) -> None:
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            self._tell(
                f"{time.monotonic() - begin_s:.0f} of {self._options.seconds:.0f} s: {player.sent.chunks} chunks sent, "
                f"{len(fleet.serving)} workers serve, {len(fleet.log.kills)} killed, "
                f"{fleet.log.engine_kills} engines killed"
            )

    async def _finish(self, bootstrap: str, names: RunNames, sent: Sent) -> int:
        return await until_committed(
            bootstrap,
            names,
            sent.ends,
            patience_s=FINISH_PATIENCE_S,
            on_lag=lambda lag: self._tell(f"waiting for {lag} messages to be committed"),
        )

    async def _judge(
        self, bootstrap: str, scripts: Sequence[StreamScript], faulted: _Played, reference: _Played
    ) -> FaultResult:
        self._tell("reading the topics")
        told = await read_outputs(bootstrap, faulted.names, self._codecs)
        expected = await read_outputs(bootstrap, reference.names, self._codecs)
        poison = await read_poison(bootstrap, faulted.names)
        kills = faulted.log.kills
        found = takeovers(kills, _outputs(told, faulted.sent.partition_of))
        return FaultResult(
            options=self._options,
            broker=OTHER_BROKER if self._options.broker else OWN_BROKER,
            seconds=faulted.seconds,
            sent=faulted.sent,
            streams=len(scripts),
            hints=hints(scripts),
            encodings=Counter(script.encoding.value for script in scripts),
            log=faulted.log,
            takeovers=summarise_takeovers(kills, found),
            unfinished=faulted.unfinished,
            reference_unfinished=reference.unfinished,
            utterances=compare(
                [utterance_fact(item.event) for item in expected.transcripts],
                [utterance_fact(item.event) for item in told.transcripts],
                what="utterance",
            ),
            flags=compare(
                [flag_fact(flag) for flag in standing(item.event for item in expected.flags)],
                [flag_fact(flag) for flag in standing(item.event for item in told.flags)],
                what="flag",
            ),
            early_flags=EarlyFlags.of(item.event for item in told.flags),
            reference_early_flags=EarlyFlags.of(item.event for item in expected.flags),
            dead_letters=check_dead_letters(poison, [item.event for item in told.dead_letters]),
        )


def _outputs(told: Outputs, partition_of: Mapping[str, int]) -> list[Output]:
    """Everything published, with the partition of the audio topic that it is about."""
    streams = [(item.event.identity.stream_id, item.at) for item in told.transcripts]
    streams += [(item.event.identity.stream_id, item.at) for item in told.flags]
    about = [(partition_of[stream], at) for stream, at in streams if stream in partition_of]
    about += [(item.event.partition, item.at) for item in told.dead_letters]
    return [Output(partition=partition, at=at) for partition, at in about]


async def _until_all_serve(fleet: Fleet, wanted: int) -> None:
    """Wait until all workers are ready.

    Raises:
        ProcessFailed: one ended, or the deadline passed.
    """
    deadline = time.monotonic() + READY_DEADLINE_S
    while len(fleet.serving) < wanted:
        if len(fleet.members) < wanted:
            raise ProcessFailed("a worker ended before the run began; see its log in the folder that --keep names")
        if time.monotonic() > deadline:
            raise ProcessFailed(f"the workers were not ready within {READY_DEADLINE_S:g} s")
        await asyncio.sleep(_POLL_S)
