"""Asking whether a Kafka broker answers."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from moderation.broker.probe import answers_kafka

TIMEOUT_S = 5.0


@contextmanager
def _server(answer: bytes) -> Iterator[int]:
    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1024)
            connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def _answer(correlation: int, error: int) -> bytes:
    body = struct.pack(">ihi", correlation, error, 0)
    return struct.pack(">i", len(body)) + body


def test_a_broker_that_answers_without_error_is_one():
    with _server(_answer(7, 0)) as port:
        assert answers_kafka("127.0.0.1", port, TIMEOUT_S)


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", _answer(7, 35), _answer(8, 0), _answer(7, 0)[:9], b"\xff" * 40],
    ids=["nothing", "http", "error", "another request's", "broken off", "noise"],
)
def test_whoever_answers_otherwise_is_none(answer):
    with _server(answer) as port:
        assert not answers_kafka("127.0.0.1", port, TIMEOUT_S)


def test_nobody_listening_is_none():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert not answers_kafka("127.0.0.1", port, TIMEOUT_S)
