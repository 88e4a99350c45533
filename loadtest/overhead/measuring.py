"""A broker, a worker and two readers of the same topic; what each spends while streams are played."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from loadtest.cores import Cores, on_cores
from loadtest.overhead.figures import Spent, idle, muted, talking
from loadtest.processes import (
    ProcessFailed,
    StartedBroker,
    StartedWorker,
    apply_topics,
    end,
    failure,
    own_names,
    spawn,
    worker_environment,
)
from loadtest.run import Plan, Run
from moderation.asr.once import HEARD_ONCE_ENVIRONMENT
from moderation.contracts.codecs import Codecs
from moderation.events import AudioEncoding
from moderation.processes.cpu_time import threads_cpu_s

SETTLING_S = 5.0
"""From the first chunk on, and before an idle worker is watched: what happens once is no running cost."""
READY_DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OverheadPlan:
    """What is measured."""

    muted: int
    """Streams that send silence; 0 leaves that part out."""
    talking: int
    """Streams that talk without end; 0 leaves that part out."""
    seconds: float
    """How long each part is watched."""
    encoding: AudioEncoding
    cores: Cores
    seed: int = 1


def measure(plan: OverheadPlan, codecs: Codecs, folder: Path, tell: Callable[[str], None]) -> dict[str, Any]:
    """Start everything, play silence, then talk. Blocks; in the main thread.

    Raises:
        ProcessFailed: something did not start.
    """
    run_id = uuid4().hex[:8]
    with ExitStack() as stack:
        stack.enter_context(on_cores(plan.cores.rest))
        broker = stack.enter_context(StartedBroker(folder))
        # What is not recognition is measured: utterances are recognised once.
        environment = worker_environment(broker.bootstrap_servers, run_id) | HEARD_ONCE_ENVIRONMENT
        apply_topics(environment, folder)
        topic = own_names(run_id)["STREAMING__AUDIO_TOPIC"]
        worker = stack.enter_context(StartedWorker(folder, environment))
        os.sched_setaffinity(worker.pid, plan.cores.worker)
        aiokafka, faust = (
            stack.enter_context(_reader(kind, topic, environment, folder)) for kind in ("aiokafka", "faust")
        )
        worker.wait_until_ready()
        watch = _Watch(worker=worker.pid, aiokafka=aiokafka, faust=faust)
        tell("idle")
        time.sleep(SETTLING_S)
        before = watch.look(0)
        time.sleep(plan.seconds)
        resting = watch.spent(before, 0)
        result: dict[str, Any] = {"idle": idle(resting)}
        for streams, talk_ratio in ((plan.muted, 0.0), (plan.talking, 1.0)):
            if streams:
                tell(f"{streams} {'talking' if talk_ratio else 'muted'} streams")
                run = Run(_plan(plan, streams, talk_ratio, broker, run_id), codecs, on_progress=lambda _: None)
                spent = asyncio.run(_play(run, watch, plan.seconds))
                name, figures = (
                    ("talking", talking(streams, spent)) if talk_ratio else ("muted", muted(streams, resting, spent))
                )
                result[name] = figures
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    at_s: float
    chunks: int
    worker: dict[str, float]
    aiokafka: float
    faust: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watch:
    worker: int
    aiokafka: int
    faust: int

    def look(self, chunks: int) -> _Look:
        return _Look(
            at_s=time.monotonic(),
            chunks=chunks,
            worker=threads_cpu_s(self.worker),
            aiokafka=sum(threads_cpu_s(self.aiokafka).values()),
            faust=sum(threads_cpu_s(self.faust).values()),
        )

    def spent(self, since: _Look, chunks: int) -> Spent:
        now = self.look(chunks)
        return Spent(
            seconds=now.at_s - since.at_s,
            chunks=now.chunks - since.chunks,
            worker={name: spent_s - since.worker.get(name, 0.0) for name, spent_s in now.worker.items()},
            aiokafka=now.aiokafka - since.aiokafka,
            faust=now.faust - since.faust,
        )


async def _play(run: Run, watch: _Watch, seconds: float) -> Spent:
    async def watched() -> Spent:
        while not run.sent:  # noqa: ASYNC110  nothing tells when the first chunk goes out
            await asyncio.sleep(0.05)
        await asyncio.sleep(SETTLING_S)
        before = watch.look(run.sent)
        await asyncio.sleep(seconds)
        return watch.spent(before, run.sent)

    watching = asyncio.create_task(watched())
    await run.observe()
    return await watching


def _plan(plan: OverheadPlan, streams: int, talk_ratio: float, broker: StartedBroker, run_id: str) -> Plan:
    return Plan.for_topics(
        own_names(run_id),
        bootstrap=broker.bootstrap_servers,
        streams=streams,
        seconds=plan.seconds + SETTLING_S + 1.0,
        talk_ratio=talk_ratio,
        seed=plan.seed,
        encoding=plan.encoding,
        tail_s=1.0,
    )


@contextmanager
def _reader(kind: str, topic: str, environment: dict[str, str], folder: Path) -> Iterator[int]:
    """A reader that has begun; its process id."""
    ready, log = folder / f"{kind}.ready", folder / f"{kind}.log"
    command = [sys.executable, "-m", "loadtest.overhead.reader", kind, topic, str(ready)]
    process = spawn(command, environment=environment, log=log)
    try:
        deadline = time.monotonic() + READY_DEADLINE_S
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise failure(f"the {kind} reader did not start", log)
            time.sleep(0.05)
        yield process.pid
    finally:
        end(process, grace_s=0.0)


__all__ = ["OverheadPlan", "ProcessFailed", "measure"]
