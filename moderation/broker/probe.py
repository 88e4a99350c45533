"""Ask whether a Kafka broker answers: one ApiVersions request over a TCP connection.

Source: https://kafka.apache.org/protocol (request header v1, ApiVersions v0).
"""

import socket
import struct

_API_VERSIONS = 18
_CORRELATION = 7
_CLIENT = b"voice-moderation"
_MAX_ANSWER_BYTES = 64 * 1024


def answers_kafka(host: str, port: int, timeout_s: float) -> bool:
    """Whether somebody there accepts a connection and answers ApiVersions without an error, in time."""
    header = struct.pack(">hhih", _API_VERSIONS, 0, _CORRELATION, len(_CLIENT)) + _CLIENT
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            connection.settimeout(timeout_s)
            connection.sendall(struct.pack(">i", len(header)) + header)
            (size,) = struct.unpack(">i", _receive(connection, 4))
            if not 10 <= size <= _MAX_ANSWER_BYTES:
                return False
            correlation, error, _count = struct.unpack(">ihi", _receive(connection, 10))
            return bool(correlation == _CORRELATION and error == 0)
    except OSError:
        return False


def _receive(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        piece = connection.recv(count - len(received))
        if not piece:
            raise ConnectionError
        received += piece
    return received
