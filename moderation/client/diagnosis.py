"""Why no Kafka client gets through to a broker, and what to do about it.

aiokafka tells its log what went wrong and raises the same error for all of it, so the way is walked once more.
"""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any

from aiokafka.conn import AIOKafkaConnection, collect_hosts
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

DEADLINE_S = 5.0
"""How long looking for the reason may take."""
_CLOSING_S = 1.0


async def advice(arguments: Mapping[str, Any]) -> str | None:
    """What to do about the first bootstrap address, after a client failed there; None when nobody listens.

    `arguments` are those that a client of aiokafka was given. The advice quotes no password.
    """
    host, port, _family = collect_hosts(arguments["bootstrap_servers"], randomize=False)[0]
    security = {
        name: value
        for name, value in arguments.items()
        if name.startswith("sasl_") or name in {"security_protocol", "ssl_context", "client_id"}
    }
    protocol = security["security_protocol"]
    try:
        await _connect(host, port, security)
    except (KafkaError, OSError, ValueError, LookupError) as error:
        return _advice_on(error, protocol)
    # Which versions it speaks a broker tells to anybody; what it closes on is the question after that.
    return None if protocol.startswith("SASL") else _advice_on_closing(protocol)


async def _connect(host: str, port: int, security: Mapping[str, Any]) -> None:
    """Connect, log in, and disconnect; raises what stands in the way."""
    was_open = asyncio.Event()
    connection = AIOKafkaConnection(host, port, on_close=lambda *_: was_open.set(), **security)
    try:
        async with asyncio.timeout(DEADLINE_S):
            await connection.connect()
    finally:
        closing = connection.close()
        if was_open.is_set():
            await asyncio.wait([closing], timeout=_CLOSING_S)


def _advice_on(error: Exception, protocol: str) -> str | None:
    if isinstance(error, ssl.SSLError):
        return _advice_on_tls(error)
    if isinstance(error, KafkaConnectionError | ConnectionResetError):
        return _advice_on_closing(protocol)
    if isinstance(error, OSError):
        return None
    return _advice_on_login(error)


def _advice_on_tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the broker's certificate is not accepted ({error.verify_message}): set MODERATION_KAFKA__SSL_CA_FILE to "
            "the certificate of the authority that issued it, and name the broker as its certificate does"
        )
    return (
        f"the TLS handshake failed ({error.reason or 'no reason given'}): check that this listener speaks TLS "
        "(MODERATION_KAFKA__SECURITY_PROTOCOL) and which client certificates it takes (MODERATION_KAFKA__SSL_CERT_FILE)"
    )


def _advice_on_login(error: Exception) -> str:
    if isinstance(error, UnsupportedSaslMechanismError | IllegalSaslStateError):
        return "the broker does not offer this mechanism: check MODERATION_KAFKA__SASL_MECHANISM"
    # aiokafka trips over a server that ends the exchange in another way than Kafka does, with whatever it trips over.
    happened = "refuses this login" if isinstance(error, SaslAuthenticationFailed) else "broke off the login"
    return (
        f"the broker {happened}: check MODERATION_KAFKA__SASL_USERNAME, MODERATION_KAFKA__SASL_PASSWORD and that the "
        "user exists for MODERATION_KAFKA__SASL_MECHANISM"
    )


def _advice_on_closing(protocol: str) -> str:
    if protocol == "SSL":
        needs = "a client certificate (MODERATION_KAFKA__SSL_CERT_FILE and MODERATION_KAFKA__SSL_KEY_FILE) or a login"
    elif protocol == "SASL_SSL":
        needs = "a client certificate (MODERATION_KAFKA__SSL_CERT_FILE and MODERATION_KAFKA__SSL_KEY_FILE)"
    else:
        needs = "TLS or a login"
    return (
        f"the broker closes connections of {protocol}: it may require {needs}; set "
        "MODERATION_KAFKA__SECURITY_PROTOCOL and what goes with it as this listener asks"
    )
