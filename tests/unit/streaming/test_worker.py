"""The worker around a Faust application that is never started: what ends it."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import faust
import pytest
from prometheus_client import CollectorRegistry

from moderation.clock import SystemClock
from moderation.contracts.codecs import load_codecs
from moderation.errors import BrokerUnavailable, InvariantViolation, TransientError
from moderation.settings import Settings, StreamingSettings
from moderation.streaming.app import create_app
from moderation.streaming.assembly import WorkerParts, assemble
from moderation.streaming.committing import Committer
from moderation.streaming.worker import Worker
from moderation.telemetry.metrics import Metrics

SETTINGS = Settings(broker="127.0.0.1:1", streaming=StreamingSettings(broker_away_s=0.06, retry_deadline_s=0.01))


@pytest.fixture
def app(tmp_path: Path) -> Iterator[faust.App]:
    app = create_app(SETTINGS, data_dir=tmp_path)
    app.finalize()
    yield app
    # Faust makes the loop of the consumer's thread before the thread.
    app.consumer._thread.thread_loop.close()


@pytest.fixture
def worker(app: faust.App) -> Worker:
    parts = WorkerParts(
        settings=SETTINGS,
        codecs=load_codecs(SETTINGS),
        pipeline=None,  # type: ignore[arg-type]
        new_intake=None,  # type: ignore[arg-type]
        clock=SystemClock(),
        metrics=Metrics(CollectorRegistry()),
    )
    worker = Worker(parts, on_ready=lambda: None)
    pool = ThreadPoolExecutor(1)
    worker._made = assemble(
        parts, app, intake_pool=pool, recognition_pool=pool, interim_pool=pool, on_failure=worker._fail
    )
    worker._committer = Committer(lambda: app.consumer, on_commit=lambda succeeded: None)
    return worker


async def watched(worker: Worker, app: faust.App) -> None:
    """The worker's watch, until it stops the worker."""
    with worker._running(worker._watch(app)):
        async with asyncio.timeout(5):
            await worker.stopping.wait()


@pytest.mark.parametrize("crashing", [lambda app: app, lambda app: app.tables], ids=["the app", "a part of it"])
async def test_a_crash_within_faust_ends_the_worker(
    worker: Worker, app: faust.App, crashing: Callable[[faust.App], faust.Service]
) -> None:
    await crashing(app).crash(RuntimeError("lost"))
    await watched(worker, app)
    assert isinstance(worker._failure, TransientError)
    assert "RuntimeError" in str(worker._failure)


async def test_a_broker_that_never_answers_ends_the_worker(worker: Worker, app: faust.App) -> None:
    await watched(worker, app)
    assert isinstance(worker._failure, TransientError)
    assert "MODERATION_STREAMING__BROKER_AWAY_S" in str(worker._failure)


async def test_a_broker_that_goes_away_before_the_start_is_named(worker: Worker, app: faust.App) -> None:
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1"):
        await worker._start(app)
    await app.stop()


async def test_a_loop_that_fails_ends_the_worker(worker: Worker) -> None:
    async def fails() -> None:
        raise ZeroDivisionError

    with worker._running(fails()):
        async with asyncio.timeout(5):
            await worker.stopping.wait()
    assert isinstance(worker._failure, InvariantViolation)


async def test_a_loop_that_fails_while_the_worker_ends_is_not_why_it_ends(worker: Worker) -> None:
    async def fails() -> None:
        raise ZeroDivisionError

    worker.stop()
    with worker._running(fails()):
        await asyncio.sleep(0.01)
    assert worker._failure is None


async def test_nothing_is_taken_in_while_the_marks_cannot_be_read(
    worker: Worker, app: faust.App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.consumer, "forget_fetched", lambda partitions: None)
    await worker._on_assigned(app, {faust.types.TP("voice-audio", 0)})
    assert not worker.is_ready
    assert isinstance(worker._failure, BrokerUnavailable)
    assert worker.problems == ["failed_BrokerUnavailable"]
