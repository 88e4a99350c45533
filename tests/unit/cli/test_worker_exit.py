"""How `moderation worker` ends, and with which exit code."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from moderation.cli.worker import _run_to_the_end, command
from moderation.errors import (
    BrokerAway,
    ConfigurationError,
    ConsumerStuck,
    EngineFailed,
    InvariantViolation,
    MemoryCapPassed,
    ModerationError,
    NoProgress,
)

HANGS = """
import threading
from moderation.cli.worker import end_by_force
threading.Thread(target=threading.Event().wait).start()
end_by_force(0.2)
"""

ENDS = """
from moderation.cli.worker import end_by_force
end_by_force(30)
"""


TOLD_TWICE = """
import asyncio, os, signal, sys, time
from pathlib import Path
from moderation.cli.stop_signals import SAME_REQUEST_S
from moderation.cli.worker import _Stopping
from moderation.settings import Settings

class Worker:
    def __init__(self):
        self.stopping = asyncio.Event()
    def stop(self):
        print("stopping", flush=True)
        self.stopping.set()

async def main():
    worker, stopping = Worker(), _Stopping(Settings(), Path(sys.argv[1]))
    stopping.listen()
    with stopping.of(worker):
        os.kill(os.getpid(), signal.SIGTERM)
        await worker.stopping.wait()
        time.sleep(SAME_REQUEST_S)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)

asyncio.run(main())
"""

TOLD_WHILE_LOADING = """
import asyncio, os, signal, time
from moderation.cli.worker import _Stopping
from moderation.settings import Settings

async def main():
    _Stopping(Settings(), None).listen()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)

asyncio.run(main())
"""


class Failing:
    """A worker that fails."""

    def __init__(self, error: ModerationError) -> None:
        self.error = error

    async def run(self) -> None:
        raise self.error


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, timeout=30, check=False, capture_output=True, text=True)


def test_a_process_with_a_thread_that_never_returns_is_ended_after_the_deadline() -> None:
    ended = run(HANGS)
    assert ended.returncode == 1
    assert "stop_forced" in ended.stdout + ended.stderr
    assert "MODERATION_STREAMING__EXIT_DEADLINE_S" in ended.stderr


def test_a_process_that_ends_by_itself_is_not_kept_waiting() -> None:
    assert run(ENDS).returncode == 0


def test_a_worker_told_twice_to_stop_leaves_at_once_and_says_what_that_costs(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    ready.touch()
    ended = run(TOLD_TWICE, str(ready))
    assert (ended.returncode, ended.stdout) == (1, "stopping\n")
    assert "told twice to stop" in ended.stderr
    assert "delivered again when the group has noticed, after up to 10 s" in ended.stderr
    assert not ready.exists()


def test_a_worker_told_to_stop_while_it_loads_holds_nothing_and_ends(tmp_path: Path) -> None:
    assert run(TOLD_WHILE_LOADING).returncode == 0


@pytest.mark.parametrize(
    "kind", [BrokerAway, ConsumerStuck, EngineFailed, InvariantViolation, MemoryCapPassed, NoProgress, ModerationError]
)
async def test_a_worker_that_cannot_go_on_says_why_once_and_exits_with_1(
    kind: type[ModerationError], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(click.exceptions.Exit) as exit_:
        await _run_to_the_end(Failing(kind("what happened; what to do")))  # type: ignore[arg-type]
    assert exit_.value.exit_code == 1
    assert capsys.readouterr().err == "moderation worker: what happened; what to do\n"


async def test_what_the_operator_must_change_is_left_to_the_command_line_which_exits_with_2() -> None:
    with pytest.raises(ConfigurationError):
        await _run_to_the_end(Failing(ConfigurationError("change a setting")))  # type: ignore[arg-type]


def test_help_says_what_each_exit_code_means() -> None:
    text = " ".join(CliRunner().invoke(command, ["--help"]).output.split())
    assert "Exits with 0 when it was stopped." in text
    assert "With 1 when it cannot go on, when stopping in order took too long, and when it was told twice" in text
    assert "With 2 when a setting, a model or the broker is missing" in text
