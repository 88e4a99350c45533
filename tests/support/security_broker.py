"""The embedded broker behind a listener that requires TLS and, if wanted, client certificates and a SCRAM login.

The broker itself cannot: its `--cert` and `--key` exclude each other, and with `--authentication` nobody can create the
first user (storage is its own memory). So TLS and the SASL handshake end here, in front of it, and it advertises this
address: a client that did not pass never reaches it.
"""

import asyncio
import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.security_certificates import Authority, KeyPair
from support.security_gate import NotAuthenticated, let_in
from support.security_scram import Login

from loadtest.processes import end, spawn
from moderation.broker.binary import executable, find_binary
from moderation.broker.probe import answers_kafka

HOST = "127.0.0.1"
_READ_BYTES = 65_536
_START_ATTEMPTS = 500
_PROBE_PAUSE_S = 0.02
_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextmanager
def secure_broker(
    folder: Path, identity: KeyPair, *, clients: Authority | None = None, login: Login | None = None
) -> Iterator[str]:
    """Yields the address of a listener that speaks TLS as `identity` and nothing else.

    With `clients` it also requires a certificate that this authority issued, with `login` SASL/SCRAM as that user.
    """
    port, listen_port = _free_ports(2)
    process = spawn(
        [
            *(str(executable(find_binary(), folder)), "broker", "--storage-engine", "memory://tansu/"),
            *("--listener-url", f"tcp://{HOST}:{port}"),
            *("--advertised-listener-url", f"tcp://{HOST}:{listen_port}"),
        ],
        environment=os.environ,
        log=folder / "broker.log",
    )
    try:
        _await_broker(port)
        with _listening(listen_port, port, _context(identity, clients), login):
            yield f"{HOST}:{listen_port}"
    finally:
        end(process, grace_s=2.0)


def _context(identity: KeyPair, clients: Authority | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate, identity.key)
    if clients is not None:
        context.load_verify_locations(clients.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@contextmanager
def _listening(listen_port: int, port: int, context: ssl.SSLContext, login: Login | None) -> Iterator[None]:
    loop = asyncio.new_event_loop()
    # Failed handshakes are what these tests are about; the loop would log each as an error.
    loop.set_exception_handler(lambda _loop, _context: None)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def accept(*client: asyncio.StreamReader | asyncio.StreamWriter) -> None:
        await _serve(client, port, login)  # type: ignore[arg-type]  the pair that asyncio hands over

    async def listen() -> asyncio.Server:
        return await asyncio.start_server(accept, HOST, listen_port, ssl=context)

    async def close(server: asyncio.Server) -> None:
        server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    try:
        server = asyncio.run_coroutine_threadsafe(listen(), loop).result()
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe(close(server), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _serve(client: _Stream, port: int, login: Login | None) -> None:
    with contextlib.closing(client[1]):
        broker = await asyncio.open_connection(HOST, port)
        with contextlib.closing(broker[1]):
            try:
                if login is not None:
                    await let_in(login, client, broker)
            except (NotAuthenticated, asyncio.IncompleteReadError, OSError):
                return
            await _join(client, broker)


async def _join(client: _Stream, broker: _Stream) -> None:
    copies = [
        asyncio.ensure_future(_copy(client[0], broker[1])),
        asyncio.ensure_future(_copy(broker[0], client[1])),
    ]
    try:
        await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for copy in copies:
            copy.cancel()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while received := await reader.read(_READ_BYTES):
            writer.write(received)
            await writer.drain()


def _await_broker(port: int) -> None:
    pause = threading.Event()
    for _ in range(_START_ATTEMPTS):
        if answers_kafka(HOST, port, 1.0):
            return
        pause.wait(_PROBE_PAUSE_S)
    raise AssertionError("the broker did not answer")


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server((HOST, 0))) for _ in range(count)]
        return [int(listener.getsockname()[1]) for listener in listeners]
