"""The real thing in real time for a long time: what is lost, how latency moves, whether memory grows."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from loadtest.memory import MemoryLog, Usage
from loadtest.process_tree import process_tree
from loadtest.processes import StartedBroker, StartedWorker, apply_topics, own_names, worker_environment
from loadtest.report import SeenFlag, percentile, unflagged, untranscribed
from loadtest.run import TAIL_S, Observed, Plan, Run
from moderation.contracts.codecs import Codecs

PATIENCE_S = 60.0
PERIODS = ("start", "middle", "end")
SAMPLES = 600
"""Memory samples of a long run; a short one has one a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakPlan:
    """What is run."""

    seconds: float
    streams: int = 40
    talk_ratio: float = 0.25
    seed: int = 1
    max_growth_mb: float = 150.0
    """Most that a process of the worker may grow after the first tenth of the run."""
    tail_s: float = TAIL_S
    settings: Mapping[str, object] = field(default_factory=dict)
    """Settings of the worker that differ from the defaults: variables without prefix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakReport:
    """What a run showed."""

    plan: SoakPlan
    observed: Observed
    usages: list[Usage]
    """Of the worker and its children, then of the broker, which keeps everything in memory and is not judged."""
    worker_died: bool
    worker_exit_code: int | None

    @property
    def turns_missing(self) -> int:
        """Turns that were not transcribed."""
        return len(untranscribed(self.observed.planned, self.observed.transcripts))

    @property
    def flags_missing(self) -> int:
        """Planted flags that were not found."""
        return len(unflagged(self.observed.planned, self.observed.flags))

    @property
    def utterances_repeated(self) -> int:
        """Transcripts beyond the first of an utterance."""
        heard = self.observed.transcripts
        return len(heard) - len({item.utterance_id for item in heard})

    @property
    def grown(self) -> list[Usage]:
        """Processes of the worker that grew too much."""
        limit = self.plan.max_growth_mb
        return [usage for usage in self.usages if not usage.name.startswith("broker") and usage.growth_mb > limit]

    @property
    def is_right(self) -> bool:
        """Whether nothing was lost or repeated, and nothing grew."""
        report = self.observed.report()
        lost = self.turns_missing or self.flags_missing or self.worker_died or self.worker_exit_code
        return not (lost or report.duplicate_flags or self.utterances_repeated or report.dead_letters or self.grown)

    def to_json(self) -> dict[str, Any]:
        """As one JSON object."""
        return {
            "ok": self.is_right,
            **self.observed.report().to_json(),
            "turns_missing": self.turns_missing,
            "flags_missing": self.flags_missing,
            "utterances_repeated": self.utterances_repeated,
            "latency_ms": latency_by_period(self.observed.flags),
            "rss": {usage.name: usage.to_json() for usage in self.usages},
            "grown_too_much": [usage.name for usage in self.grown],
            "worker_died": self.worker_died,
            "worker_exit_code": self.worker_exit_code,
        }


def latency_by_period(flags: Sequence[SeenFlag]) -> dict[str, dict[str, float | int | None]]:
    """Percentiles of the thirds of the time that the flags span, by the end of their speech."""
    if not flags:
        return {}
    instants = [flag.flag.ended_at for flag in flags]
    first, last = min(instants), max(instants)
    periods: dict[str, list[float]] = {name: [] for name in PERIODS}
    for flag in flags:
        periods[PERIODS[_third(flag.flag.ended_at, first, last)]].append(flag.latency_ms)
    return {name: _percentiles(sorted(latencies)) for name, latencies in periods.items()}


def _third(instant: datetime, first: datetime, last: datetime) -> int:
    span = (last - first).total_seconds()
    return min(2, int(3 * (instant - first).total_seconds() / span)) if span else 0


def _percentiles(ordered: Sequence[float]) -> dict[str, float | int | None]:
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {"flags": len(ordered), **{name: percentile(ordered, share) for name, share in shares.items()}}


def run_soak(plan: SoakPlan, codecs: Codecs, folder: Path, on_progress: Callable[[str], None]) -> SoakReport:
    """Start broker and worker, run, and end them. Blocks; in the main thread.

    Raises:
        ProcessFailed: broker or worker did not start.
    """
    run_id = uuid4().hex[:8]
    with ExitStack() as stack:
        broker = stack.enter_context(StartedBroker(folder))
        environment = worker_environment(broker.bootstrap_servers, run_id, plan.settings)
        apply_topics(environment, folder)
        worker = stack.enter_context(StartedWorker(folder, environment))
        worker.wait_until_ready()
        memory = MemoryLog()
        observed = asyncio.run(_play(plan, codecs, broker, worker, own_names(run_id), memory, on_progress))
        died = not worker.is_running
        worker.terminate()
        exit_code = worker.wait(worker.stop_grace_s)
    return SoakReport(
        plan=plan, observed=observed, usages=memory.usages(), worker_died=died, worker_exit_code=exit_code
    )


async def _play(  # noqa: PLR0917  what one run has in hand
    plan: SoakPlan,
    codecs: Codecs,
    broker: StartedBroker,
    worker: StartedWorker,
    names: Mapping[str, str],
    memory: MemoryLog,
    on_progress: Callable[[str], None],
) -> Observed:
    run = Run(
        Plan.for_topics(
            names,
            bootstrap=broker.bootstrap_servers,
            streams=plan.streams,
            seconds=plan.seconds,
            talk_ratio=plan.talk_ratio,
            seed=plan.seed,
            tail_s=plan.tail_s,
            patience_s=PATIENCE_S,
        ),
        codecs,
        on_progress=on_progress,
    )
    watching = asyncio.create_task(_watch(plan, broker, worker, memory))
    try:
        return await run.observe()
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


async def _watch(plan: SoakPlan, broker: StartedBroker, worker: StartedWorker, memory: MemoryLog) -> None:
    began = time.monotonic()
    while True:
        now = time.monotonic() - began
        memory.add(now, worker.processes())
        memory.add(now, process_tree(broker.pid), prefix="broker-")
        await asyncio.sleep(max(1.0, plan.seconds / SAMPLES))
