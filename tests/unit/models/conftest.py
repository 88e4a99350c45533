"""A publisher on this machine: a real HTTP server that can break connections and tell lies."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from moderation.models.transport import Transport
from moderation.settings import ModelsSettings


@dataclass
class Publisher:
    """What the server offers, and what it was asked."""

    base: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    failures: dict[str, list[int]] = field(default_factory=dict)
    """Statuses to answer before the file is given."""
    break_after: dict[str, list[int]] = field(default_factory=dict)
    """Bytes of the body after which the next answers break off."""
    ignores_ranges: bool = False
    requests: list[tuple[str, str | None]] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"{self.base}/{path}"


def _handler(publisher: Publisher) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            path = self.path.lstrip("/")
            wanted = self.headers.get("Range")
            publisher.requests.append((path, wanted))
            if path in publisher.redirects:
                self.send_response(302)
                self.send_header("Location", publisher.redirects[path])
                self.end_headers()
            elif publisher.failures.get(path):
                self.send_error(publisher.failures[path].pop(0))
            elif path not in publisher.files:
                self.send_error(404)
            else:
                self._send(publisher.files[path], path, None if publisher.ignores_ranges else wanted)

        def _send(self, body: bytes, path: str, wanted: str | None) -> None:
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            if wanted and start >= len(body):
                self.send_error(416)
                return
            self.send_response(206 if wanted else 200)
            if wanted:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            breaks = publisher.break_after.get(path)
            self.wfile.write(body[start : start + breaks.pop(0)] if breaks else body[start:])

    return Handler


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    publisher = Publisher()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(publisher))
    publisher.base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield publisher
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def self_signed_server() -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).with_name("self_signed.pem"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer_one_handshake, args=(context, listener))
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/model.bin"
        thread.join()


def _answer_one_handshake(context: ssl.SSLContext, listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection, contextlib.suppress(ssl.SSLError, ConnectionError):
        context.wrap_socket(connection, server_side=True).close()


@pytest.fixture
def transport(monkeypatch: pytest.MonkeyPatch) -> Transport:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return Transport(timeout_s=10, plain_http_hosts=frozenset({"127.0.0.1"}))


@pytest.fixture
def models_settings() -> ModelsSettings:
    return ModelsSettings(download_attempts=3, retry_pause_s=0.5)
