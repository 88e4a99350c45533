"""A million hostile chunks into a real worker, and good streams beside them that must not notice."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from loadtest.hostile_corpus import HostileCorpus
from loadtest.hostile_ledger import Account, Ledger, checksum_of
from loadtest.hostile_neighbours import NeighbourReport, Neighbours
from loadtest.hostile_sender import HostileSender
from loadtest.memory import MemoryLog, Usage
from loadtest.process_tree import process_tree
from loadtest.processes import StartedBroker, StartedWorker, apply_topics, own_names, worker_environment
from moderation.contracts.codecs import Codecs
from moderation.settings import Settings, StreamingSettings

PARTITIONS = 12
"""Of the audio topic, as the catalogue has it."""
SAMPLE_S = 1.0
TELL_S = 10.0
DRAIN_DEADLINE_S = 120.0
"""Longest wait for the worker to finish what was sent."""
_LETTER_LIMIT = "max_dead_letters_per_minute"
_NO_LIMIT = 100_000_000
_PATIENCE_MS = 300_000
"""Of the sender: a busy machine must not look like a broker that is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostilePlan:
    """What is run. `rate` is hostile messages a second, None for what the worker takes."""

    chunks: int
    good_streams: int = 8
    seed: int = 1
    rate: float | None = None
    round_s: float = 60.0
    """Length of the good streams; new ones follow until all hostile messages are dealt with."""
    max_lag: int = 6_000
    """Uncommitted messages at which the sender waits. An open utterance holds back the commits of its partition."""
    max_growth_mb: float = 200.0
    """Most that a process of the worker may grow after the first tenth of the run."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """Further settings of the worker: variables without prefix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostileReport:
    """What a run showed."""

    plan: HostilePlan
    seconds: float
    hostile_seconds: float
    sent_bytes: int
    account: Account
    neighbours: NeighbourReport
    usages: list[Usage]
    """Of the worker and its children, then of the broker, which keeps everything in memory and is not judged."""
    lag_max: int
    lag_end: int
    """Messages that were not committed in the end; -1 when the broker never said."""
    uncommitted: dict[int, str]
    """By partition: the case that was not committed in the end, the first of them."""
    worker_died: bool
    worker_exit_code: int | None

    @property
    def grown(self) -> list[Usage]:
        """Processes of the worker that grew too much."""
        return [
            usage
            for usage in self.usages
            if not usage.name.startswith("broker") and usage.growth_mb > self.plan.max_growth_mb
        ]

    @property
    def is_right(self) -> bool:
        """Whether nothing is off."""
        return (
            self.account.is_right
            and self.account.sent == self.plan.chunks
            and self.neighbours.is_right
            and not self.grown
            and not self.lag_end
            and not self.worker_died
            and self.worker_exit_code == 0
        )

    def to_json(self) -> dict[str, Any]:
        """As one JSON object."""
        return {
            "ok": self.is_right,
            "seconds": round(self.seconds, 1),
            "hostile_per_s": round(self.account.sent / max(self.hostile_seconds, 1e-9), 1),
            "hostile_mb": round(self.sent_bytes / 2**20, 1),
            **self.account.to_json(),
            **self.neighbours.to_json(),
            "rss": {usage.name: usage.to_json() for usage in self.usages},
            "grown_too_much": [usage.name for usage in self.grown],
            "lag_max": self.lag_max,
            "lag_end": self.lag_end,
            "uncommitted": self.uncommitted,
            "worker_died": self.worker_died,
            "worker_exit_code": self.worker_exit_code,
        }


def run_hostile(
    plan: HostilePlan, settings: Settings, codecs: Codecs, folder: Path, on_progress: Callable[[str], None]
) -> HostileReport:
    """Start broker and worker, run, and end them. Blocks; in the main thread.

    Raises:
        ProcessFailed: broker or worker did not start.
    """
    run_id = uuid4().hex[:8]
    names = own_names(run_id)
    with ExitStack() as stack:
        broker = stack.enter_context(StartedBroker(folder))
        environment = worker_environment(broker.bootstrap_servers, run_id, {**_limits(), **plan.settings})
        apply_topics(environment, folder)
        worker = StartedWorker(folder, environment).start()
        try:
            worker.wait_until_ready()
            run = _HostileRun(plan, settings, codecs, broker, worker, run_id, names, on_progress)
            report = asyncio.run(run.play())
        finally:
            worker.__exit__(None, None, None)
        return report(worker.exit_code)


def _limits() -> dict[str, object]:
    """The guard against floods of dead letters is meant to stop a worker that is given what is sent here."""
    return {f"STREAMING__{_LETTER_LIMIT.upper()}": _NO_LIMIT} if _LETTER_LIMIT in StreamingSettings.model_fields else {}


class _HostileRun:
    """One run against a worker that is ready."""

    def __init__(  # noqa: PLR0917  what one run has in hand
        self,
        plan: HostilePlan,
        settings: Settings,
        codecs: Codecs,
        broker: StartedBroker,
        worker: StartedWorker,
        run_id: str,
        names: Mapping[str, str],
        on_progress: Callable[[str], None],
    ) -> None:
        self._plan = plan
        self._codecs = codecs
        self._broker = broker
        self._worker = worker
        self._on_progress = on_progress
        self._group = names["STREAMING__GROUP_ID"]
        self._audio_topic = names["STREAMING__AUDIO_TOPIC"]
        self._letters_topic = names["STREAMING__DEAD_LETTERS_TOPIC"]
        self._memory = MemoryLog()
        self._neighbours = Neighbours(
            codecs, broker.bootstrap_servers, names, streams=plan.good_streams, round_s=plan.round_s, seed=plan.seed
        )
        self._corpus = HostileCorpus(settings, seed=plan.seed, run_id=run_id, neighbours=self._neighbours.stream_ids)
        self._ledger = Ledger(self._corpus.cases)
        self._committed: dict[int, int] | None = None
        self._lag_max = 0
        self._began = time.monotonic()
        self._hostile_seconds = 0.0

    async def play(self) -> Callable[[int | None], HostileReport]:
        """Run; what is returned makes the report once the worker's exit code is known."""
        async with AsyncExitStack() as stack:
            producer = await stack.enter_async_context(
                AIOKafkaProducer(
                    bootstrap_servers=self._broker.bootstrap_servers, acks="all", request_timeout_ms=_PATIENCE_MS
                )
            )
            self._sender = HostileSender(
                producer,
                self._corpus,
                self._ledger,
                topic=self._audio_topic,
                partitions=PARTITIONS,
                may_send=self._may_send,
                rate=self._plan.rate,
            )
            watching = [self._watch(), self._follow_lag(), self._read_letters()]
            async with asyncio.TaskGroup() as group:
                beside = [group.create_task(each) for each in watching]
                good = group.create_task(self._neighbours.play())
                await self._send()
                await self._drain()
                self._neighbours.stop()
                await self._unless_dead(good)
                await self._drain()
                for task in beside:
                    task.cancel()
        died = not self._worker.is_running
        return lambda exit_code: self._report(exit_code, died=died)

    def _report(self, exit_code: int | None, *, died: bool) -> HostileReport:
        return HostileReport(
            plan=self._plan,
            seconds=time.monotonic() - self._began,
            hostile_seconds=self._hostile_seconds,
            sent_bytes=self._sender.sent_bytes,
            account=self._ledger.account(),
            neighbours=self._neighbours.report(),
            usages=self._memory.usages(),
            lag_max=self._lag_max,
            lag_end=self._lag,
            uncommitted=self._uncommitted(),
            worker_died=died,
            worker_exit_code=exit_code,
        )

    def _may_send(self) -> bool:
        return max(0, self._lag) < self._plan.max_lag and self._worker.is_running

    def _uncommitted(self) -> dict[int, str]:
        committed = self._committed or {}
        return {
            number: f"{committed.get(number, 0)}: {self._ledger.case_at(number, committed.get(number, 0))}"
            for number, end in sorted(self._sender.ends.items())
            if committed.get(number, 0) < end
        }

    @property
    def _lag(self) -> int:
        """Hostile messages that are confirmed and not committed; -1 before the broker told."""
        committed = self._committed
        if committed is None:
            return -1
        return sum(max(0, end - committed.get(number, 0)) for number, end in self._sender.ends.items())

    async def _send(self) -> None:
        await self._unless_dead(asyncio.create_task(self._sender.send(self._plan.chunks)))

    async def _unless_dead(self, task: asyncio.Task[None]) -> None:
        """Await a task, or end it when the worker dies."""
        while not task.done() and self._worker.is_running:
            await asyncio.wait([task], timeout=1.0)
        if not task.done():
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _drain(self) -> None:
        """Wait until the worker has committed what was sent, and its dead letters were read."""
        deadline = time.monotonic() + DRAIN_DEADLINE_S
        letters = -1
        while self._worker.is_running and time.monotonic() < deadline:
            is_quiet = letters == self._ledger.letters
            letters = self._ledger.letters
            if self._lag == 0 and is_quiet:
                break
            await asyncio.sleep(2.0)
        if not self._hostile_seconds:
            self._hostile_seconds = time.monotonic() - self._began

    async def _watch(self) -> None:
        told = 0.0
        while True:
            now = time.monotonic() - self._began
            self._memory.add(now, self._worker.processes())
            self._memory.add(now, process_tree(self._broker.pid), prefix="broker-")
            if now - told >= TELL_S:
                told = now
                self._tell(now)
            await asyncio.sleep(SAMPLE_S)

    def _tell(self, now: float) -> None:
        worker = self._worker.processes()
        memory = f"{sum(item.rss_kb for item in worker) // 1024} MiB in {len(worker)} processes"
        self._on_progress(
            f"{now:.0f} s: {self._sender.sent} of {self._plan.chunks} sent, lag {self._lag}, "
            f"{self._ledger.letters} dead letters, {memory}; {self._neighbours.progress()}"
        )

    async def _follow_lag(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._broker.bootstrap_servers)
        await admin.start()
        places = [TopicPartition(self._audio_topic, number) for number in range(PARTITIONS)]
        try:
            while True:
                # The embedded broker answers only when the partitions are named.
                offsets = await admin.list_consumer_group_offsets(self._group, partitions=places)
                self._committed = {place.partition: max(0, told.offset) for place, told in offsets.items()}
                self._lag_max = max(self._lag_max, self._lag)
                await asyncio.sleep(0.5)
        finally:
            await admin.close()

    async def _read_letters(self) -> None:
        async with AIOKafkaConsumer(
            bootstrap_servers=self._broker.bootstrap_servers,
            enable_auto_commit=False,
            fetch_max_wait_ms=100,
            max_poll_records=2_000,
        ) as consumer:
            await consumer.topics()  # fetches the metadata that partitions_for_topic answers from
            places = [
                TopicPartition(self._letters_topic, n) for n in consumer.partitions_for_topic(self._letters_topic)
            ]
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            while True:
                for messages in (await consumer.getmany(timeout_ms=200)).values():
                    for message in messages:
                        self._take_letter(message.value)
                    await asyncio.sleep(0)

    def _take_letter(self, value: bytes) -> None:
        letter = self._codecs.dead_letters.decode(value)
        is_cut = letter.value is None and "too large" in letter.reason
        checksum = None if is_cut else checksum_of(letter.key, letter.value)
        self._ledger.refused(letter.partition, letter.offset, letter.code, checksum)
