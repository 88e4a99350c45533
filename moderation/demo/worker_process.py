"""The worker of the demo: a process of its own, which never outlives the demo."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from moderation.errors import TransientError

_LAST_LINES = 8
_POLL_S = 0.05

# Runs before the worker in its process: have the kernel send SIGTERM (15) when the demo dies (PR_SET_PDEATHSIG is 1),
# and end at once if it did so already. The setting survives the exec that follows.
_BOUND_TO_PARENT = """
import ctypes, os, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 15, 0, 0, 0)
    if os.getppid() != int(sys.argv[1]):
        sys.exit(1)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""

# What a worker may have in its environment for another broker than the demo's.
_NOT_INHERITED = ("MODERATION_BROKER", "MODERATION_KAFKA", "MODERATION_SCHEMA_REGISTRY", "MODERATION_EMBEDDED_BROKER")


class WorkerFailed(TransientError):
    """The worker ended, or did not do its work. The message holds the last lines of its log."""


class WorkerProcess:
    """A worker in a process of its own, writing its log to a file."""

    def __init__(self, arguments: Sequence[str], *, environment: Mapping[str, str], folder: Path) -> None:
        """`arguments` are Python's, e.g. of `worker_arguments`; `folder` takes the log and the ready file."""
        self.ready_file = folder / "ready"
        self.log_file = folder / "worker.log"
        self._arguments = (*arguments, "--ready-file", str(self.ready_file))
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; `ready` tells when it can work."""
        with self.log_file.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-c", _BOUND_TO_PARENT, str(os.getpid()), *self._arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,  # Ctrl-C reaches the demo alone, which stops the worker in its own time
            )

    @property
    def pid(self) -> int:
        """The process id, once started."""
        if self._process is None:
            raise WorkerFailed("the worker was not started")
        return self._process.pid

    async def ready(self, deadline_s: float) -> None:
        """Return once it has loaded its models and has partitions.

        Raises: WorkerFailed: not within `deadline_s`.
        """
        try:
            async with asyncio.timeout(deadline_s):
                while not self.ready_file.exists():  # noqa: ASYNC110  another process makes the file
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise self.failure(f"the worker was not ready within {deadline_s:g} s") from None

    async def watch(self) -> None:
        """Return never.

        Raises: WorkerFailed: it ended by itself.
        """
        if self._process is not None:
            raise self.failure(f"the worker ended with exit code {await self._process.wait()}")

    async def stop(self, grace_s: float) -> None:
        """Ask it to stop, and kill it when it has not within `grace_s`. Harmless when it has ended."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(grace_s):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def failure(self, sentence: str) -> WorkerFailed:
        """An error that tells where the log is and how it ends."""
        lines = self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
        return WorkerFailed("\n  ".join([f"{sentence}; its log is {self.log_file} and ends:", *lines]))


def worker_arguments(config: Path | None) -> list[str]:
    """Arguments that make Python run `moderation worker`, with the settings file the demo was given."""
    return ["-m", "moderation", *(("--config", str(config)) if config else ()), "worker"]


def worker_environment(environment: Mapping[str, str], bootstrap_servers: str) -> dict[str, str]:
    """What the worker finds in its environment: all settings but those of another broker.

    The session timeout is short because the embedded broker lets a group wait half of it before it begins; the drain
    deadline must be below it.
    """
    kept = {name: value for name, value in environment.items() if not name.upper().startswith(_NOT_INHERITED)}
    return kept | {
        "MODERATION_BROKER": bootstrap_servers,
        "MODERATION_KAFKA__SECURITY_PROTOCOL": "PLAINTEXT",
        "MODERATION_KAFKA__SESSION_TIMEOUT_S": "6",
        "MODERATION_KAFKA__HEARTBEAT_INTERVAL_S": "2",
        "MODERATION_STREAMING__DRAIN_DEADLINE_S": "5",
    }
