import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from loadtest.faults.proxy import HOST, BrokerProxy


def free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
async def echo_port() -> AsyncIterator[int]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while received := await reader.read(100):
            writer.write(received)
        writer.close()

    server = await asyncio.start_server(echo, HOST, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_bytes_pass_until_the_connections_are_cut_and_again_after_that(echo_port: int) -> None:
    port = free_port()
    async with BrokerProxy(port, echo_port) as proxy:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        await proxy.cut()
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, port)
        await proxy.restore()
        again, sender = await asyncio.open_connection(HOST, port)
        sender.write(b"again")
        assert await again.readexactly(5) == b"again"
        writer.close()
        sender.close()
