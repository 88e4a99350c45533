"""Kafka's SASL handshake on a connection, before anything else is let through.

Sources: https://kafka.apache.org/protocol (request header v1; ApiVersions; SaslHandshake v0-1; SaslAuthenticate v0-1;
error codes 33 and 58) and KIP-152.
"""

import asyncio
import struct
from dataclasses import dataclass

from support.security_scram import Login, Refused, ScramExchange

_SASL_HANDSHAKE, _API_VERSIONS, _SASL_AUTHENTICATE = 17, 18, 36
_UNSUPPORTED_MECHANISM, _AUTHENTICATION_FAILED = 33, 58
_MAX_REQUEST_BYTES = 10_000
_NULL_STRING = struct.pack(">h", -1)


class NotAuthenticated(Exception):
    """The client did not log in: the connection is to be closed, as Kafka does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    frame: bytes
    kind: int
    version: int
    correlation: bytes
    body: bytes


async def let_in(
    login: Login,
    client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    broker: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    """Return when the client has logged in. Until then the broker behind is asked for its versions, and nothing else.

    Raises:
        NotAuthenticated: the client asked for something before that, or could not prove the password.
    """
    exchange: ScramExchange | None = None
    challenged = False
    while True:
        request = await _read(client[0])
        if request.kind == _API_VERSIONS:
            broker[1].write(request.frame)
            client[1].write(await _frame(broker[0]))
        elif request.kind == _SASL_HANDSHAKE:
            exchange = _handshake(login, request, client[1])
        elif request.kind == _SASL_AUTHENTICATE and exchange is not None:
            _step(exchange, request, client[1], concludes=challenged)
            if challenged:
                return
            challenged = True
        else:
            raise NotAuthenticated(f"request {request.kind} before a login")


def _handshake(login: Login, request: _Request, client: asyncio.StreamWriter) -> ScramExchange | None:
    (length,) = struct.unpack_from(">h", request.body)
    is_offered = request.body[2 : 2 + length].decode() == login.mechanism
    offered = struct.pack(">ih", 1, len(login.mechanism)) + login.mechanism.encode()
    error = 0 if is_offered else _UNSUPPORTED_MECHANISM
    _answer(client, request, struct.pack(">h", error) + offered)
    return ScramExchange(login) if is_offered else None


def _step(exchange: ScramExchange, request: _Request, client: asyncio.StreamWriter, *, concludes: bool) -> None:
    message = request.body[4:]
    lifetime = struct.pack(">q", 0) if request.version else b""
    try:
        reply = exchange.conclude(message) if concludes else exchange.challenge(message)
    except Refused as refused:
        why = b"Authentication failed during authentication due to invalid credentials"
        error = struct.pack(">hh", _AUTHENTICATION_FAILED, len(why)) + why + struct.pack(">i", 0)
        _answer(client, request, error + lifetime)
        raise NotAuthenticated(str(refused)) from None
    _answer(client, request, struct.pack(">h", 0) + _NULL_STRING + struct.pack(">i", len(reply)) + reply + lifetime)


async def _read(reader: asyncio.StreamReader) -> _Request:
    frame = await _frame(reader)
    kind, version = struct.unpack_from(">hh", frame, 4)
    (client_id_bytes,) = struct.unpack_from(">h", frame, 12)
    return _Request(
        frame=frame,
        kind=kind,
        version=version,
        correlation=frame[8:12],
        body=frame[14 + max(client_id_bytes, 0) :],
    )


async def _frame(reader: asyncio.StreamReader) -> bytes:
    size = await reader.readexactly(4)
    (count,) = struct.unpack(">i", size)
    if not 0 < count <= _MAX_REQUEST_BYTES:
        raise NotAuthenticated("not a request of Kafka's protocol")
    return size + await reader.readexactly(count)


def _answer(client: asyncio.StreamWriter, request: _Request, body: bytes) -> None:
    client.write(struct.pack(">i", 4 + len(body)) + request.correlation + body)
