"""Whatever happens to the demo, it leaves nothing behind: a real broker, and workers that misbehave."""

import asyncio
import contextlib
import io
import os
import tempfile
from pathlib import Path

import pytest
from rich.console import Console

from moderation.clock import SystemClock
from moderation.demo import run
from moderation.demo.manifest import load_manifest
from moderation.demo.run import Demo, DemoOptions, settings_for
from moderation.demo.scenario import load_scenario
from moderation.demo.worker_process import WorkerFailed
from moderation.settings import KafkaSettings, Settings

pytestmark = pytest.mark.integration

NEVER_READY = """
import os, pathlib, sys, time
started = pathlib.Path(sys.argv[-1]).with_name("started")
started.write_text(str(os.getpid()))
time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the demo makes its temporary folders."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def demo(monkeypatch: pytest.MonkeyPatch, worker_script: str, *, keep_logs: bool = False) -> tuple[Demo, io.StringIO]:
    monkeypatch.setattr(run, "worker_arguments", lambda _config: ["-c", worker_script])
    output = io.StringIO()
    made = Demo(
        Settings(),
        DemoOptions(keep_logs=keep_logs),
        scenario=load_scenario().shortened(5),
        manifest=load_manifest(),
        console=Console(file=output, width=120),
        clock=SystemClock(),
    )
    return made, output


def texts(folder: Path, pattern: str) -> list[str]:
    return [path.read_text() if path.is_file() else "" for path in folder.glob(pattern)]


async def written(folder: Path, pattern: str) -> str:
    async with asyncio.timeout(30):
        while not any(texts(folder, pattern)):  # noqa: ASYNC110  another process writes the file
            await asyncio.sleep(0.02)
    return texts(folder, pattern)[0]


def is_running(process_id: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process_id, 0)
        return True
    return False


async def test_a_worker_that_dies_ends_the_demo_and_its_log_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch):
    made, output = demo(monkeypatch, "import sys; print('no such model'); sys.exit(2)")
    with pytest.raises(WorkerFailed, match="no such model"):
        await made.run()
    assert texts(folder, "voice-moderation-demo-*/worker.log") == ["no such model\n"]
    assert "The worker's log is kept in" in output.getvalue()
    assert not texts(folder, "voice-moderation-broker-*")


@pytest.mark.parametrize("keep_logs", [False, True])
async def test_cancelling_ends_worker_and_broker(folder: Path, monkeypatch: pytest.MonkeyPatch, keep_logs: bool):
    made, _ = demo(monkeypatch, NEVER_READY, keep_logs=keep_logs)
    running = asyncio.ensure_future(made.run())
    worker_id = int(await written(folder, "voice-moderation-demo-*/started"))
    assert is_running(worker_id)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not is_running(worker_id)
    assert bool(texts(folder, "voice-moderation-demo-*")) == keep_logs
    assert not texts(folder, "voice-moderation-broker-*")


def test_the_demo_uses_its_own_broker_and_leaves_another_alone():
    other = Settings(broker="kafka:9092", kafka=KafkaSettings(security_protocol="SSL"))
    own = settings_for(other, "127.0.0.1:1234")
    assert (own.bootstrap_servers, own.kafka.security_protocol) == ("127.0.0.1:1234", "PLAINTEXT")
