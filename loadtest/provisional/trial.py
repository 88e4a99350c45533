"""One run: a broker, a worker on cores of its own, long utterances in real time, and the flags that came."""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from loadtest.cores import Cores, on_cores
from loadtest.processes import StartedBroker, StartedWorker, apply_topics, own_names, worker_environment
from loadtest.provisional.outcome import Outcome, summarise
from loadtest.provisional.talk import PAUSE_MS, make_track, word_list
from loadtest.run import Observed, Plan, Run
from moderation.contracts.codecs import Codecs
from moderation.events import AudioEncoding
from moderation.processes.cpu_time import family_cpu_s

TAIL_S = 3.0
PATIENCE_S = 15.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPlan:
    """What is said, and by how many at the same time."""

    streams: int
    utterances: int
    """Of each stream."""
    utterance_s: float
    seed: int
    cores: Cores
    settings: Mapping[str, object] = field(default_factory=dict)
    """Settings of the worker that differ from the defaults: variables without prefix."""

    @property
    def seconds(self) -> float:
        """How long a stream lasts, about."""
        return self.utterances * (self.utterance_s + PAUSE_MS / 1000)


def run_trial(plan: TrialPlan, codecs: Codecs, folder: Path, tell: Callable[[str], None]) -> Outcome:
    """Start everything, play, and end it. Blocks; in the main thread.

    Raises:
        ProcessFailed: broker or worker did not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = folder / "words.yaml"
    words.write_text(word_list(), encoding="utf-8")
    run_id = uuid4().hex[:8]
    with ExitStack() as stack:
        # What is started inherits the cores; the worker gets its own before it has a second thread.
        stack.enter_context(on_cores(plan.cores.rest))
        broker = stack.enter_context(StartedBroker(folder))
        settings = {"VOCABULARY__LISTS": json.dumps([str(words)]), **plan.settings}
        environment = worker_environment(broker.bootstrap_servers, run_id, settings)
        apply_topics(environment, folder)
        worker = stack.enter_context(StartedWorker(folder, environment))
        os.sched_setaffinity(worker.pid, plan.cores.worker)
        worker.wait_until_ready()
        run = _run(plan, broker.bootstrap_servers, own_names(run_id), codecs, tell)
        observed, worker_cores = asyncio.run(_play(run, worker.pid))
    return summarise(observed.planned, observed.early, observed.flags, worker_cores=worker_cores)


def _run(plan: TrialPlan, bootstrap: str, names: Mapping[str, str], codecs: Codecs, tell: Callable[[str], None]) -> Run:
    return Run(
        Plan.for_topics(
            names,
            bootstrap=bootstrap,
            streams=plan.streams,
            seconds=plan.seconds,
            talk_ratio=1.0,
            seed=plan.seed,
            encoding=AudioEncoding.PCM_S16LE,
            tail_s=TAIL_S,
            patience_s=PATIENCE_S,
        ),
        codecs,
        on_progress=tell,
        make_track=lambda sounds, rng: make_track(
            sounds, rng, utterances=plan.utterances, utterance_ms=round(plan.utterance_s * 1000)
        ),
    )


async def _play(run: Run, worker_pid: int) -> tuple[Observed, float]:
    """What came of it, and the cores that the worker used while streams were produced."""
    measuring = asyncio.create_task(_cores(run, worker_pid))
    try:
        observed = await run.observe()
        return observed, await measuring
    finally:
        measuring.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await measuring


async def _cores(run: Run, pid: int) -> float:
    while not run.sent:  # noqa: ASYNC110  nothing tells when the first chunk goes out
        await asyncio.sleep(_POLL_S)
    began_s, spent_s = time.monotonic(), family_cpu_s(pid)
    while not run.is_produced:  # noqa: ASYNC110
        await asyncio.sleep(_POLL_S)
    return (family_cpu_s(pid) - spent_s) / (time.monotonic() - began_s)
