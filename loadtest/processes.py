"""Brokers and workers as processes of their own: started, hurt, watched and ended.

They are the real commands (`python -m moderation ...`) with their settings in MODERATION_* variables. Nothing outlives
the process that started it: the kernel sends SIGTERM to them when it dies. Start them in the main thread, because the
kernel takes the end of the thread that started a process for the end of its parent.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from loadtest.process_tree import ProcessInfo, process_tree
from moderation.settings import StreamingSettings

READY_DEADLINE_S = 180.0
"""A worker loads its models in 10 s on an idle core, and in minutes when many do at once."""
STOP_GRACE_S = 75.0
"""More than a worker's own deadline for an orderly end (MODERATION_STREAMING__EXIT_DEADLINE_S)."""
BROKER_DEADLINE_S = 30.0
_POLL_S = 0.05
_LAST_LINES = 8

# Runs before the program in its process: have the kernel send SIGTERM (15) when the parent dies (PR_SET_PDEATHSIG is
# 1), and end at once if it did so already. The setting survives the exec that follows.
_BOUND_TO_PARENT = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 15, 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


class ProcessFailed(Exception):
    """A process ended, or did not do what it was started for. The message names its log and shows the end of it."""


def spawn(
    command: list[str], *, environment: Mapping[str, str], log: Path, piped: bool = False
) -> subprocess.Popen[bytes]:
    """Start a program that does not outlive this process; both of its outputs go to the log, or stdout to a pipe."""
    with log.open("ab") as file:
        return subprocess.Popen(  # noqa: S603  our own programs
            [sys.executable, "-c", _BOUND_TO_PARENT, str(os.getpid()), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if piped else file,
            stderr=file,
            env=dict(environment),
            start_new_session=True,  # Ctrl-C reaches this process alone, which ends the others in its own time
        )


def failure(sentence: str, log: Path) -> ProcessFailed:
    """An error that shows how a log ends."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:] if log.exists() else []
    return ProcessFailed("\n  ".join([f"{sentence}; its log is {log} and ends:", *lines]))


def worker_environment(
    bootstrap_servers: str, run_id: str, settings: Mapping[str, object] | None = None
) -> dict[str, str]:
    """The environment of workers that share a group and topics of their own, named after `run_id`.

    `settings` are further variables without their prefix, e.g. `{"KAFKA__SESSION_TIMEOUT_S": 6}`. No MODERATION_*
    variable of this process is inherited.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MODERATION_")}
    values = {"BROKER": bootstrap_servers, **own_names(run_id), **(settings or {})}
    return inherited | {f"MODERATION_{name}": str(value) for name, value in values.items()}


def own_names(run_id: str) -> dict[str, str]:
    """The variables, without prefix, that give a run its own group and its own copy of every topic."""
    fields = StreamingSettings.model_fields
    named = [name for name in fields if name == "group_id" or name.endswith("_topic")]
    return {f"STREAMING__{name.upper()}": f"{fields[name].default}-{run_id}" for name in named}


def apply_topics(environment: Mapping[str, str], folder: Path) -> None:
    """Create the topics that the environment names.

    Raises:
        ProcessFailed: the broker cannot be reached or refuses.
    """
    log = folder / "topics.log"
    code = spawn([sys.executable, "-m", "moderation", "topics", "apply"], environment=environment, log=log).wait()
    if code:
        raise failure(f"`moderation topics apply` ended with exit code {code}", log)


class StartedBroker:
    """`moderation broker` on a free port; a context manager. Its log is `folder/broker.log`."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "broker.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.bootstrap_servers = ""
        """The address for clients, once started."""

    def __enter__(self) -> Self:
        """Start it.

        Raises:
            ProcessFailed: it ended instead of telling its address.
        """
        command = [sys.executable, "-u", "-m", "moderation", "broker", "--port", "0"]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MODERATION_")}
        self._process = spawn(command, environment=inherited, log=self._log, piped=True)
        first_line = self._process.stdout.readline().decode().strip() if self._process.stdout else ""
        if not re.fullmatch(r"\S+:\d+", first_line):
            self._stop()
            raise failure("the broker did not start", self._log)
        self.bootstrap_servers = first_line
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def processes(self) -> list[ProcessInfo]:
        """The broker's processes, with their memory."""
        return process_tree(self._process.pid) if self._process else []

    @property
    def pid(self) -> int:
        """The process id of the command; the broker itself is its child."""
        if self._process is None:
            raise ProcessFailed("the broker was not started")
        return self._process.pid

    def _stop(self) -> None:
        if self._process is not None:
            end(self._process, grace_s=BROKER_DEADLINE_S)
            if self._process.stdout:
                self._process.stdout.close()


class StartedWorker:
    """`moderation worker`; a context manager that starts it and at the end stops it in order, or kills it.

    Its log is `folder/<name>.log`. Entering does not wait for the models: see `wait_until_ready`.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        *,
        name: str = "worker",
        arguments: Sequence[str] = ("-m", "moderation", "worker"),
    ) -> None:
        """`arguments` are Python's, when it is to be started otherwise than by its command."""
        self.name = name
        self._arguments = arguments
        self.log = folder / f"{name}.log"
        self._ready_file = folder / f"{name}.ready"
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self.stop_grace_s = STOP_GRACE_S
        """How long leaving the context waits between SIGTERM and SIGKILL, s."""

    def start(self) -> Self:
        """Start it, without waiting for it. In the main thread."""
        self._ready_file.unlink(missing_ok=True)
        command = [sys.executable, *self._arguments, "--ready-file", str(self._ready_file)]
        self._process = spawn(command, environment=self._environment, log=self.log)
        return self

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.resume()
        end(self._started, grace_s=self.stop_grace_s if kind is None else 0.0)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._started.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is there, stopped ones included."""
        return self._process is not None and self._process.poll() is None

    @property
    def is_ready(self) -> bool:
        """Whether it runs, has loaded its models and was given partitions once."""
        return self.is_running and self._ready_file.exists()

    @property
    def exit_code(self) -> int | None:
        """As `subprocess.Popen.returncode`: None while it runs, -9 when it was killed."""
        return self._started.poll()

    def wait_until_ready(self, deadline_s: float = READY_DEADLINE_S) -> None:
        """Block until it has its models and partitions.

        Raises:
            ProcessFailed: it ended, or the deadline passed.
        """
        deadline = time.monotonic() + deadline_s
        while not self._ready_file.exists():
            if not self.is_running:
                raise failure(f"{self.name} ended with exit code {self.exit_code}", self.log)
            if time.monotonic() > deadline:
                raise failure(f"{self.name} was not ready within {deadline_s:g} s", self.log)
            time.sleep(_POLL_S)

    def wait(self, deadline_s: float) -> int | None:
        """Block until it has ended; its exit code, or None when the deadline passed."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._started.wait(deadline_s)
        return None

    def kill(self) -> None:
        """SIGKILL; harmless when it has ended, like all that follow."""
        self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM: finish what is under way, commit, leave the group, end."""
        self._signal(signal.SIGTERM)

    def suspend(self) -> None:
        """SIGSTOP: the process stands still, and does not know it."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def processes(self) -> list[ProcessInfo]:
        """The worker's process and its descendants, with their roles and memory; nothing when it has ended."""
        return process_tree(self.pid) if self.is_running else []

    @property
    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ProcessFailed(f"{self.name} was not started")
        return self._process

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)


def end(process: subprocess.Popen[bytes], *, grace_s: float) -> int:
    """SIGTERM, and SIGKILL after `grace_s`; the exit code."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
