"""What reaches aiokafka from the settings."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from moderation.client.connection import connected, kafka_arguments
from moderation.errors import ConfigurationError
from moderation.settings import KafkaSettings, Settings


def _arguments(**kafka: Any) -> dict[str, Any]:
    return kafka_arguments(Settings(broker="kafka-1:9092,kafka-2:9092", kafka=KafkaSettings(**kafka)))


def test_plaintext_needs_addresses_only() -> None:
    arguments = _arguments(request_timeout_s=7)
    assert arguments["bootstrap_servers"] == "kafka-1:9092,kafka-2:9092"
    assert arguments["request_timeout_ms"] == 7_000
    assert arguments["security_protocol"] == "PLAINTEXT"
    assert not {"ssl_context", "sasl_mechanism", "sasl_plain_password"} & set(arguments)


def test_the_embedded_broker_is_at_its_port() -> None:
    assert kafka_arguments(Settings(embedded_broker_port=1234))["bootstrap_servers"] == "127.0.0.1:1234"


def test_tls_verifies_the_broker() -> None:
    context = _arguments(security_protocol="SSL")["ssl_context"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert not _arguments(security_protocol="SSL", ssl_check_hostname=False)["ssl_context"].check_hostname


def test_sasl_over_tls_has_credentials_and_a_tls_context() -> None:
    arguments = _arguments(
        security_protocol="SASL_SSL", sasl_username="u", sasl_password=SecretStr("p"), sasl_mechanism="SCRAM-SHA-256"
    )
    assert arguments["sasl_mechanism"] == "SCRAM-SHA-256"
    assert (arguments["sasl_plain_username"], arguments["sasl_plain_password"]) == ("u", "p")
    assert isinstance(arguments["ssl_context"], ssl.SSLContext)


def test_sasl_without_tls_has_no_tls_context() -> None:
    arguments = _arguments(security_protocol="SASL_PLAINTEXT", sasl_username="u", sasl_password=SecretStr("p"))
    assert "ssl_context" not in arguments


@pytest.mark.parametrize("credentials", [{}, {"sasl_username": "u"}, {"sasl_password": SecretStr("p")}], ids=str)
def test_sasl_without_credentials_is_refused(credentials: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="SASL_USERNAME"):
        _arguments(security_protocol="SASL_SSL", **credentials)


@pytest.mark.parametrize("files", ["ssl_ca_file", "ssl_cert_file"])
def test_tls_files_that_cannot_be_used_are_refused(tmp_path: Path, files: str) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    for path in (broken, tmp_path / "missing.pem"):
        with pytest.raises(ConfigurationError, match="TLS files"):
            _arguments(security_protocol="SSL", **{files: path})


async def test_a_client_that_cannot_connect_is_disconnected_all_the_same() -> None:
    class Unreachable:
        stopped = False

        async def start(self) -> None:
            raise ConnectionRefusedError

        async def stop(self) -> None:
            self.stopped = True

    client = Unreachable()
    with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1:1234.*`moderation broker`"):
        async with connected(client, Settings(embedded_broker_port=1234), client.stop):
            pass
    assert client.stopped
