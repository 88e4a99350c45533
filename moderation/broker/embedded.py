"""Start and stop the embedded broker."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from moderation.broker import guard
from moderation.broker.binary import executable, find_binary
from moderation.broker.probe import answers_kafka
from moderation.errors import ConfigurationError

HOST = "127.0.0.1"
_PROBE_TIMEOUT_S = 1.0
_PROBE_PAUSE_S = 0.01
_FREE_PORT_ATTEMPTS = 3


class BrokerFailed(ConfigurationError):
    """The broker did not start."""


class _PortLost(Exception):
    """Somebody else took the free port before the broker did."""


class EmbeddedBroker:
    """A Kafka broker of our own on 127.0.0.1, for development, the demo and the tests only: memory only, no security.

    A context manager, also an asynchronous one. `start` and `stop` block (a tenth of a second) and may be called from
    different threads, one at a time. The broker never outlives this process, however that ends.
    """

    def __init__(self, port: int | None = None, *, start_deadline_s: float = 15.0, stop_grace_s: float = 2.0) -> None:
        """`port` None takes a free one. `stop_grace_s` passes between SIGTERM and SIGKILL."""
        self._wanted_port = port
        self._port: int | None = None
        self._start_deadline_s = start_deadline_s
        self._stop_grace_s = stop_grace_s
        self._folder: Path | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """The port, once started."""
        if self._port is None:
            raise BrokerFailed("the broker was not started")
        return self._port

    @property
    def bootstrap_servers(self) -> str:
        """The address for Kafka clients, once started."""
        return f"{HOST}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the broker's process is there."""
        return self._guard is not None and self._guard.poll() is None

    def start(self) -> None:
        """Start the broker and wait until it answers.

        Raises:
            ConfigurationError: not on this platform, or the port is taken.
            BrokerFailed: it ended or did not answer in time. Nothing is left behind.
        """
        if self._guard is not None:
            raise BrokerFailed("the broker was started already")
        binary = find_binary()
        for attempt in range(_FREE_PORT_ATTEMPTS):
            try:
                return self._start_on(self._wanted_port or _free_port(), binary)
            except _PortLost:
                if self._wanted_port or attempt + 1 == _FREE_PORT_ATTEMPTS:
                    raise BrokerFailed("the embedded broker lost its port while starting; try again") from None
        return None

    def stop(self) -> None:
        """Stop the broker and remove its folder. Harmless when it is not running, and when called twice."""
        process, self._guard = self._guard, None
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(self._stop_grace_s + 5)
            except subprocess.TimeoutExpired:
                process.kill()  # the kernel then kills the broker
                process.wait()
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def wait(self, timeout_s: float) -> bool:
        """Wait until the broker has ended by itself. Returns: whether it has."""
        if self._guard is None:
            return True
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._guard.wait(timeout_s)
        return not self.running

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    def _start_on(self, port: int, binary: Path) -> None:
        _require_free(port)
        self._folder = Path(tempfile.mkdtemp(prefix="voice-moderation-broker-"))
        try:
            self._guard = self._spawn(port, executable(binary, self._folder))
            self._await_answer(port)
        except BaseException:
            self.stop()
            raise
        self._port = port

    def _spawn(self, port: int, binary: Path) -> subprocess.Popen[bytes]:
        url = f"tcp://{HOST}:{port}"
        command = [
            *(str(binary), "broker", "--storage-engine", "memory://tansu/"),
            *("--listener-url", url, "--advertised-listener-url", url),
        ]
        script = [sys.executable, "-I", "-S", guard.__file__, str(self._folder), str(self._stop_grace_s)]
        # A session of its own: Ctrl-C in the terminal must not end the broker before its clients.
        return subprocess.Popen([*script, *command], stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603

    def _await_answer(self, port: int) -> None:
        deadline = time.monotonic() + self._start_deadline_s
        while time.monotonic() < deadline:
            if not self.running:
                if _is_taken(port):
                    raise _PortLost
                raise BrokerFailed(
                    "the embedded broker ended while starting; its last words are above. A Kafka of your own does as "
                    "well: MODERATION_BROKER=host:port"
                )
            if answers_kafka(HOST, port, _PROBE_TIMEOUT_S) and self.running:
                return
            time.sleep(_PROBE_PAUSE_S)
        raise BrokerFailed(f"the embedded broker did not answer within {self._start_deadline_s:g} s; try again")


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


def _is_taken(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return True
    return False


def _require_free(port: int) -> None:
    try:
        socket.create_server((HOST, port)).close()
    except PermissionError:
        raise BrokerFailed(f"port {port} needs root; choose one above 1023: `moderation broker --port N`") from None
    except OSError:
        raise BrokerFailed(
            f"port {port} of {HOST} is in use, perhaps by another `moderation broker`; stop that, or choose another "
            "port with --port or MODERATION_EMBEDDED_BROKER_PORT"
        ) from None
