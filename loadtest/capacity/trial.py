"""One trial: a broker, a worker on cores of its own, streams in real time, and what came of them."""

import asyncio
import contextlib
import os
import re
import socket
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from loadtest.capacity.outcome import (
    P95_LIMIT_MS,
    Lag,
    Outcome,
    engine_of,
    lag_growth_s,
    latencies,
    settled,
    stage_times,
)
from loadtest.cores import Cores, on_cores
from loadtest.processes import StartedBroker, StartedWorker, apply_topics, own_names, worker_environment
from loadtest.report import untranscribed
from loadtest.run import Observed, Plan, Run
from moderation.contracts.codecs import Codecs
from moderation.events import AudioEncoding
from moderation.processes.cpu_time import family_cpu_s

TAIL_S = 4.0
PATIENCE_S = 15.0
"""How long results that are missing are awaited: a worker that is so far behind has failed."""
_SAMPLE_S = 1.0
_TAKEN = re.compile(r"^moderation_chunks_total\{[^}]*\} (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPlan:
    """What all trials of a search have in common."""

    seconds: float
    warm_up_s: float
    talk_ratio: float
    encoding: AudioEncoding
    seed: int
    cores: Cores
    p95_limit_ms: float = P95_LIMIT_MS
    settings: Mapping[str, object] = field(default_factory=dict)
    """Settings of the worker that differ from the defaults: variables without prefix."""


def run_trial(plan: TrialPlan, streams: int, codecs: Codecs, folder: Path, tell: Callable[[str], None]) -> Outcome:
    """Start everything, play, and end it. Blocks; in the main thread.

    Raises:
        ProcessFailed: broker or worker did not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    settings = {"TELEMETRY__METRICS_PORT": port, **plan.settings}
    run_id = uuid4().hex[:8]
    with ExitStack() as stack:
        # What is started inherits the cores; the worker gets its own before it has a second thread.
        stack.enter_context(on_cores(plan.cores.rest))
        broker = stack.enter_context(StartedBroker(folder))
        environment = worker_environment(broker.bootstrap_servers, run_id, settings)
        apply_topics(environment, folder)
        worker = stack.enter_context(StartedWorker(folder, environment))
        os.sched_setaffinity(worker.pid, plan.cores.worker)
        worker.wait_until_ready()
        run = Run(_run_plan(plan, streams, broker, own_names(run_id)), codecs, on_progress=tell)
        watch = _Watch(worker.pid, port, run)
        observed = asyncio.run(_play(run, watch))
    return _outcome(plan, streams, observed, watch)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _run_plan(plan: TrialPlan, streams: int, broker: StartedBroker, names: Mapping[str, str]) -> Plan:
    return Plan.for_topics(
        names,
        bootstrap=broker.bootstrap_servers,
        streams=streams,
        seconds=plan.seconds,
        talk_ratio=plan.talk_ratio,
        seed=plan.seed,
        encoding=plan.encoding,
        tail_s=TAIL_S,
        patience_s=PATIENCE_S,
    )


class _Watch:
    """Samples lag and processor time of the worker while streams are produced."""

    def __init__(self, worker_pid: int, metrics_port: int, run: Run) -> None:
        self._pid = worker_pid
        self._url = f"http://127.0.0.1:{metrics_port}/metrics"
        self._run = run
        self.lags: list[Lag] = []
        self.cores = 0.0

    async def sample(self) -> None:
        """Until cancelled."""
        while not self._run.sent:  # noqa: ASYNC110  nothing tells when the first chunk goes out
            await asyncio.sleep(0.05)
        began_s, spent_s = time.monotonic(), family_cpu_s(self._pid)
        while not self._run.is_produced:
            await asyncio.sleep(_SAMPLE_S)
            sent = self._run.sent
            taken = await asyncio.to_thread(self._taken)
            elapsed_s = time.monotonic() - began_s
            if taken is not None and not self._run.is_produced:
                self.lags.append(Lag(at_s=elapsed_s, chunks=max(0, sent - taken)))
                self.cores = (family_cpu_s(self._pid) - spent_s) / elapsed_s

    def _taken(self) -> int | None:
        with contextlib.suppress(OSError), urllib.request.urlopen(self._url, timeout=_SAMPLE_S) as answer:  # noqa: S310
            return round(sum(map(float, _TAKEN.findall(answer.read().decode()))))
        return None


async def _play(run: Run, watch: _Watch) -> Observed:
    watching = asyncio.create_task(watch.sample())
    try:
        return await run.observe()
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


def _outcome(plan: TrialPlan, streams: int, observed: Observed, watch: _Watch) -> Outcome:
    report = observed.report()
    began_at = min(turn.started_at - timedelta(milliseconds=turn.turn.start_ms) for turn in observed.planned)
    since = began_at + timedelta(seconds=plan.warm_up_s)
    flags = settled(observed.flags, since=since)
    p50_ms, p95_ms, late_p95_ms = latencies(flags)
    return Outcome(
        streams=streams,
        speech_share=report.talk_ratio,
        flags=report.flags_seen,
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        late_p95_ms=late_p95_ms,
        lag_growth_s=lag_growth_s([lag for lag in watch.lags if lag.at_s >= plan.warm_up_s], streams=streams),
        worker_cores=round(watch.cores, 3),
        producer_late_ms=report.producer_late_ms_max,
        turns_missing=len(untranscribed(observed.planned, observed.transcripts)),
        dead_letters=report.dead_letters,
        engine=engine_of(observed.flags),
        stages_ms=stage_times(flags),
        p95_limit_ms=plan.p95_limit_ms,
    )
