"""A small HTTP server for operators: `/metrics`, `/live`, `/ready`."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from moderation.errors import ConfigurationError
from moderation.settings import TelemetrySettings

Problems = Callable[[], Sequence[str]]
"""What is wrong now, as short codes; nothing means that all is well. Called from the server's threads."""

_CLIENT_TIMEOUT_S = 10.0
_POLL_S = 0.1


class TelemetryServer:
    """Serves until it is stopped, from a thread of its own. A context manager.

    `/metrics`: the registry, in Prometheus's text format. `/live` and `/ready`: 200 or 503 and the problems as JSON; an
    orchestrator restarts what does not live, and gives no work to what is not ready.
    """

    def __init__(self, host: str, port: int, *, registry: CollectorRegistry, live: Problems, ready: Problems) -> None:
        """Port 0 takes a free one.

        Raises:
            ConfigurationError: the address cannot be listened on.
        """
        pages = {
            "/metrics": lambda: (HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(registry)),
            "/live": lambda: _health(live),
            "/ready": lambda: _health(ready),
        }
        try:
            self._server = ThreadingHTTPServer((host, port), _handler(pages))
        except OSError as error:
            raise ConfigurationError(
                f"cannot serve metrics on {host}:{port} ({error.strerror}); choose another port with "
                "MODERATION_TELEMETRY__METRICS_PORT, or 0 for none"
            ) from None
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": _POLL_S}, name="telemetry", daemon=True
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.server_port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def telemetry_server(
    settings: TelemetrySettings, *, registry: CollectorRegistry, live: Problems, ready: Problems
) -> Iterator[TelemetryServer | None]:
    """Serve while the context lasts, when the settings give a port; otherwise nothing is served.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """
    if not settings.metrics_port:
        yield None
        return
    server = TelemetryServer(settings.metrics_host, settings.metrics_port, registry=registry, live=live, ready=ready)
    with server:
        yield server


_Page = tuple[HTTPStatus, str, bytes]


def _health(problems: Problems) -> _Page:
    found = list(problems())
    status = HTTPStatus.SERVICE_UNAVAILABLE if found else HTTPStatus.OK
    return status, "application/json", json.dumps({"ok": not found, "problems": found}).encode()


def _handler(pages: dict[str, Callable[[], _Page]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _CLIENT_TIMEOUT_S

        def do_GET(self) -> None:
            page = pages.get(self.path.partition("?")[0])
            status, kind, body = page() if page else (HTTPStatus.NOT_FOUND, "text/plain", b"/metrics /live /ready\n")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Say nothing: a probe every few seconds is no news."""

    return Handler
