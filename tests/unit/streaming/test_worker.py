"""The worker around a Faust application that is never started: what ends it, and how it commits."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import faust
import pytest
from prometheus_client import CollectorRegistry

from moderation.clock import SystemClock
from moderation.errors import TransientError
from moderation.settings import Settings
from moderation.streaming.app import create_app
from moderation.streaming.worker import Worker, WorkerParts
from moderation.telemetry.metrics import Metrics


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    monkeypatch.setattr("moderation.streaming.worker.WATCHDOG_INTERVAL_S", 0.001)
    parts = WorkerParts(
        settings=Settings(),
        codecs=None,  # type: ignore[arg-type]
        pipeline=None,  # type: ignore[arg-type]
        new_intake=None,  # type: ignore[arg-type]
        clock=SystemClock(),
        metrics=Metrics(CollectorRegistry()),
    )
    worker = Worker(parts, on_ready=lambda: None)
    worker._router = SimpleNamespace(progress={}, open_streams=0, waiting_for_ack=0)
    return worker


@pytest.fixture
def app(tmp_path: Path) -> faust.App:
    app = create_app(Settings(), data_dir=tmp_path)
    app.finalize()
    return app


@pytest.mark.parametrize("crashing", [lambda app: app, lambda app: app.tables], ids=["the app", "a part of it"])
async def test_a_crash_within_faust_ends_the_worker(
    worker: Worker, app: faust.App, crashing: Callable[[faust.App], faust.Service]
) -> None:
    watching = asyncio.create_task(worker._watch(app))
    await asyncio.sleep(0.01)
    assert not worker._stop.is_set()
    await crashing(app).crash(RuntimeError("lost"))
    async with asyncio.timeout(5):
        await worker._stop.wait()
    watching.cancel()
    assert isinstance(worker._failure, TransientError)


async def test_a_watchdog_that_fails_ends_the_worker(worker: Worker, app: faust.App) -> None:
    worker._router = None
    watching = worker._start_watching(app)
    async with asyncio.timeout(5):
        await worker._stop.wait()
    assert watching.done()
    assert worker._failure is not None


@pytest.mark.parametrize("outcomes", [[True], [False, True], [False, False]])
async def test_a_commit_that_was_skipped_because_one_was_under_way_is_made_again(
    worker: Worker, outcomes: list[bool]
) -> None:
    """Faust skips it; the one under way may have begun before the last acks were given."""
    told = iter(outcomes)

    async def commit() -> bool:
        return next(told)

    await worker._commit(SimpleNamespace(consumer=SimpleNamespace(commit=commit)), 5.0)
    assert list(told) == []
