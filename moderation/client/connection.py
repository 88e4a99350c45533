"""How every client of ours reaches Kafka: one place for addresses, TLS and SASL."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from aiokafka.errors import KafkaError

from moderation.client.diagnosis import advice
from moderation.errors import ConfigurationError
from moderation.settings import KafkaSettings, Settings

CLIENT_ID = "voice-moderation-client"


class Startable(Protocol):
    """A client of aiokafka that is not connected yet."""

    async def start(self) -> None:
        """Connect."""
        ...


Client = TypeVar("Client", bound=Startable)


def kafka_arguments(settings: Settings) -> dict[str, Any]:
    """The keyword arguments that producers, consumers and admin clients of aiokafka share.

    Raises:
        ConfigurationError: TLS or SASL settings are incomplete, or a file of theirs cannot be read.
    """
    kafka = settings.kafka
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "client_id": CLIENT_ID,
        "request_timeout_ms": kafka.request_timeout_s * 1000,
        "security_protocol": kafka.security_protocol,
    }
    if kafka.security_protocol.endswith("SSL"):
        arguments["ssl_context"] = tls_context(kafka)
    if kafka.security_protocol.startswith("SASL"):
        arguments |= _sasl(kafka)
    return arguments


def tls_context(kafka: KafkaSettings) -> ssl.SSLContext:
    """The TLS context that the settings ask for.

    Raises:
        ConfigurationError: a certificate or key cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=kafka.ssl_ca_file)
        context.check_hostname = kafka.ssl_check_hostname
        if kafka.ssl_cert_file:
            context.load_cert_chain(kafka.ssl_cert_file, kafka.ssl_key_file)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"the TLS files cannot be used ({type(error).__name__}); check MODERATION_KAFKA__SSL_CA_FILE, "
            "MODERATION_KAFKA__SSL_CERT_FILE and MODERATION_KAFKA__SSL_KEY_FILE"
        ) from None
    return context


@asynccontextmanager
async def connected(
    client: Client, settings: Settings, disconnect: Callable[[], Awaitable[None]]
) -> AsyncIterator[Client]:
    """The client, connected; it is disconnected at the end, and also when connecting fails.

    Raises:
        ConfigurationError: no broker can be reached, or it refuses us.
    """
    try:
        try:
            await client.start()
        except (KafkaError, OSError) as error:
            raise unreachable(settings, error, await advice(kafka_arguments(settings))) from None
        yield client
    finally:
        await disconnect()


def unreachable(settings: Settings, error: Exception, known: str | None = None) -> ConfigurationError:
    """What to tell when no broker answers; `known` is what to do about it, where that was found out."""
    where = settings.bootstrap_servers
    guess = (
        "start one with `moderation broker`, or point MODERATION_BROKER at your Kafka"
        if settings.broker == "embedded"
        else "check MODERATION_BROKER and MODERATION_KAFKA__*; `moderation broker` runs one on this machine"
    )
    return ConfigurationError(f"no Kafka broker can be reached at {where} ({type(error).__name__}); {known or guess}")


def sasl_login(kafka: KafkaSettings) -> tuple[str, str]:
    """The user name and password that the SASL protocols need.

    Raises:
        ConfigurationError: one of them is not set.
    """
    if not kafka.sasl_username or kafka.sasl_password is None:
        raise ConfigurationError(
            f"{kafka.security_protocol} needs MODERATION_KAFKA__SASL_USERNAME and MODERATION_KAFKA__SASL_PASSWORD"
        )
    return kafka.sasl_username, kafka.sasl_password.get_secret_value()


def _sasl(kafka: KafkaSettings) -> dict[str, Any]:
    username, password = sasl_login(kafka)
    return {
        "sasl_mechanism": kafka.sasl_mechanism,
        "sasl_plain_username": username,
        "sasl_plain_password": password,
    }
