"""Messages over a socket: each is preceded by its length, an unsigned 32-bit big-endian integer."""

import socket
import struct
import time

_LENGTH = struct.Struct(">I")
_SHORTEST_WAIT_S = 0.001


class BrokenFrame(Exception):
    """The other side is gone or does not keep to the protocol."""


def send_frame(connection: socket.socket, message: bytes | bytearray, timeout_s: float | None = None) -> None:
    """Send one message.

    Raises:
        BrokenFrame: the other side is gone.
        TimeoutError: it did not take the message within `timeout_s` (None: wait for ever).
    """
    connection.settimeout(timeout_s)
    try:
        connection.sendall(_LENGTH.pack(len(message)) + message)
    except TimeoutError:
        raise
    except OSError as error:
        raise BrokenFrame("the other side closed the connection") from error


def receive_frame(connection: socket.socket, *, max_bytes: int, timeout_s: float | None = None) -> bytearray:
    """Receive one message. Nothing is allocated for a message that is longer than `max_bytes`.

    Raises:
        BrokenFrame: the other side is gone, or the message is too long.
        TimeoutError: the whole message did not arrive within `timeout_s` (None: wait for ever).
    """
    deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
    (length,) = _LENGTH.unpack(_receive(connection, _LENGTH.size, deadline_s))
    if length > max_bytes:
        raise BrokenFrame("a message is longer than it may be")
    return _receive(connection, length, deadline_s)


def _receive(connection: socket.socket, size: int, deadline_s: float | None) -> bytearray:
    received = bytearray(size)
    rest = memoryview(received)
    while rest:
        # A process that was stopped past its deadline still takes what has arrived meanwhile.
        connection.settimeout(None if deadline_s is None else max(deadline_s - time.monotonic(), _SHORTEST_WAIT_S))
        try:
            count = connection.recv_into(rest)
        except TimeoutError:
            raise
        except OSError as error:
            raise BrokenFrame("the connection broke") from error
        if not count:
            raise BrokenFrame("the other side closed the connection")
        rest = rest[count:]
    return received
