"""The demo's worker is watched, and never left behind."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from moderation.demo.worker_process import WorkerFailed, WorkerProcess, worker_arguments, worker_environment

BECOMES_READY = "import pathlib, sys, time; pathlib.Path(sys.argv[-1]).touch(); time.sleep(60)"
FAILS = "import sys; print('no model'); sys.exit(3)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + BECOMES_READY


def worker(script: str, folder: Path) -> WorkerProcess:
    return WorkerProcess(["-c", script], environment=dict(os.environ), folder=folder)


async def started(script: str, folder: Path) -> WorkerProcess:
    process = worker(script, folder)
    await process.start()
    return process


async def test_a_worker_is_ready_once_it_has_made_its_file_and_ends_when_asked(tmp_path: Path):
    process = await started(BECOMES_READY, tmp_path)
    await process.ready(30)
    await process.stop(30)
    with pytest.raises(WorkerFailed, match=f"exit code -{signal.SIGTERM:d}"):
        await process.watch()


async def test_a_worker_that_ends_is_told_with_its_log_and_last_words(tmp_path: Path):
    process = await started(FAILS, tmp_path)
    with pytest.raises(WorkerFailed, match=r"exit code 3; its log is .*worker\.log and ends:\n  no model"):
        await process.watch()


async def test_a_worker_that_is_never_ready_is_a_failure(tmp_path: Path):
    process = await started("import time; time.sleep(60)", tmp_path)
    try:
        with pytest.raises(WorkerFailed, match="not ready within"):
            await process.ready(0.01)
    finally:
        await process.stop(30)


async def test_a_worker_that_does_not_listen_is_killed(tmp_path: Path):
    process = await started(DEAF, tmp_path)
    await process.ready(30)
    await process.stop(0.05)
    with pytest.raises(WorkerFailed, match=f"exit code -{signal.SIGKILL:d}"):
        await process.watch()


async def test_stopping_what_never_started_or_has_ended_does_no_harm(tmp_path: Path):
    await worker(FAILS, tmp_path).stop(1)
    process = await started(FAILS, tmp_path)
    with pytest.raises(WorkerFailed):
        await process.watch()
    await process.stop(1)


async def test_a_worker_ends_when_the_demo_is_killed(tmp_path: Path):
    parent_script = (
        "import asyncio, os, pathlib, sys\n"
        "from moderation.demo.worker_process import WorkerProcess\n"
        "async def main():\n"
        "    folder = pathlib.Path(sys.argv[2])\n"
        "    process = WorkerProcess(['-c', sys.argv[1]], environment=dict(os.environ), folder=folder)\n"
        "    await process.start()\n"
        "    await process.ready(30)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    says_goodbye = (
        "import pathlib, signal, sys, time\n"
        "def goodbye(*_):\n"
        "    pathlib.Path(sys.argv[-1] + '-ended').touch()\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, goodbye)\n"
        "pathlib.Path(sys.argv[-1]).touch()\n"
        "time.sleep(60)\n"
    )
    parent = await asyncio.create_subprocess_exec(*(sys.executable, "-c", parent_script, says_goodbye, str(tmp_path)))
    assert await parent.wait() == -signal.SIGKILL
    async with asyncio.timeout(30):
        while not (tmp_path / "ready-ended").exists():  # noqa: ASYNC110  another process makes the file
            await asyncio.sleep(0.02)


def test_the_worker_gets_the_settings_of_the_demo_but_not_its_broker():
    environment = worker_environment(
        {
            "PATH": "/bin",
            "MODERATION_AUDIO__END_SILENCE_MS": "500",
            "MODERATION_BROKER": "kafka:9092",
            "MODERATION_KAFKA__SASL_PASSWORD": "secret",
            "moderation_schema_registry__url": "http://registry",
        },
        "127.0.0.1:1234",
    )
    assert environment["MODERATION_BROKER"] == "127.0.0.1:1234"
    assert environment["MODERATION_KAFKA__SECURITY_PROTOCOL"] == "PLAINTEXT"
    assert (environment["PATH"], environment["MODERATION_AUDIO__END_SILENCE_MS"]) == ("/bin", "500")
    assert not {"secret", "http://registry", "kafka:9092"} & set(environment.values())


def test_the_worker_is_given_the_settings_file_of_the_demo():
    assert worker_arguments(None) == ["-m", "moderation", "worker"]
    assert worker_arguments(Path("own.yaml")) == ["-m", "moderation", "--config", "own.yaml", "worker"]
