"""The endpoint for operators."""

import json
import socket
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from prometheus_client import CollectorRegistry

from moderation.errors import ConfigurationError
from moderation.settings import TelemetrySettings
from moderation.telemetry.metrics import Metrics
from moderation.telemetry.server import TelemetryServer, telemetry_server


@pytest.fixture
def problems() -> dict[str, list[str]]:
    return {"live": [], "ready": ["no_partitions"]}


@pytest.fixture
def port(problems) -> Iterator[int]:
    registry = CollectorRegistry()
    Metrics(registry).chunk("next")
    server = TelemetryServer(
        "127.0.0.1", 0, registry=registry, live=lambda: problems["live"], ready=lambda: problems["ready"]
    )
    with server:
        yield server.port


def _get(port: int, path: str) -> tuple[int, str, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.headers["Content-Type"], response.read()
    finally:
        connection.close()


def test_metrics_are_in_prometheus_text_format(port):
    status, kind, body = _get(port, "/metrics")
    assert status == 200
    assert kind.startswith("text/plain")
    assert b'moderation_chunks_total{outcome="next"} 1.0' in body


def test_health_changes_with_the_problems(port, problems):
    assert _get(port, "/live")[0] == 200
    status, _, body = _get(port, "/ready")
    assert (status, json.loads(body)) == (503, {"ok": False, "problems": ["no_partitions"]})
    problems["ready"] = []
    assert _get(port, "/ready?from=probe")[0] == 200


def test_other_pages_name_the_three(port):
    assert _get(port, "/") == (404, "text/plain", b"/metrics /live /ready\n")


def test_a_port_in_use_is_refused_with_advice():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = TelemetrySettings(metrics_port=listener.getsockname()[1])
        with (
            pytest.raises(ConfigurationError, match="MODERATION_TELEMETRY__METRICS_PORT"),
            telemetry_server(taken, registry=CollectorRegistry(), live=list, ready=list),
        ):
            pass


def test_nothing_is_served_without_a_port():
    with telemetry_server(TelemetrySettings(), registry=CollectorRegistry(), live=list, ready=list) as server:
        assert server is None


def test_after_it_stopped_nobody_listens():
    with TelemetryServer("127.0.0.1", 0, registry=CollectorRegistry(), live=list, ready=list) as server:
        port = server.port
    with pytest.raises(ConnectionRefusedError):
        _get(port, "/live")
