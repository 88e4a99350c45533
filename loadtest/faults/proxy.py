"""A TCP proxy that can cut all connections: to its clients, a broker that restarts and keeps its log."""

import asyncio
import contextlib
import socket
from collections.abc import Coroutine
from types import TracebackType
from typing import Self

_READ_BYTES = 65_536
HOST = "127.0.0.1"


class BrokerProxy:
    """Forwards a port of this machine to another; an asynchronous context manager."""

    def __init__(self, listen_port: int, target_port: int) -> None:
        self._listen_port = listen_port
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.restore()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cut()

    async def cut(self) -> None:
        """Reset every connection and refuse new ones. Harmless when that is done already."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for connection in self._connections:
            connection.cancel()
        if self._connections:
            await asyncio.wait(set(self._connections))

    async def restore(self) -> None:
        """Take connections again. Harmless when it does."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, HOST, self._listen_port)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        try:
            target_reader, target_writer = await asyncio.open_connection(HOST, self._target_port)
        except OSError:
            writer.close()
            return
        try:
            await _until_first(_copy(reader, target_writer), _copy(target_reader, writer))
        except asyncio.CancelledError:
            # What a dead broker's kernel sends: a reset, not an orderly end.
            _reset_on_close(writer)
        finally:
            writer.close()
            target_writer.close()


async def _until_first(*copies: Coroutine[None, None, None]) -> None:
    tasks = [asyncio.create_task(copy) for copy in copies]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while received := await reader.read(_READ_BYTES):
            writer.write(received)
            await writer.drain()


def _reset_on_close(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None:
        # SO_LINGER with a time of 0: close() sends RST.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
