"""Messages over a socket: each is preceded by its length, an unsigned 32-bit big-endian integer."""

import socket
import struct
import time

_LENGTH = struct.Struct(">I")
MAX_FRAME_BYTES = 16 * 1024 * 1024
"""A longer length is a broken stream, not a message."""


class BrokenFrame(Exception):
    """The other side is gone or does not keep to the protocol."""


def send_frame(connection: socket.socket, message: bytes, timeout_s: float | None = None) -> None:
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


def receive_frame(connection: socket.socket, timeout_s: float | None = None) -> bytes:
    """Receive one message.

    Raises:
        BrokenFrame: the other side is gone, or the length is impossible.
        TimeoutError: the whole message did not arrive within `timeout_s` (None: wait for ever).
    """
    deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
    (length,) = _LENGTH.unpack(_receive(connection, _LENGTH.size, deadline_s))
    if length > MAX_FRAME_BYTES:
        raise BrokenFrame("the length of a message is impossible")
    return _receive(connection, length, deadline_s)


def _receive(connection: socket.socket, size: int, deadline_s: float | None) -> bytes:
    received = bytearray()
    while len(received) < size:
        connection.settimeout(None if deadline_s is None else max(deadline_s - time.monotonic(), 0.001))
        try:
            part = connection.recv(size - len(received))
        except TimeoutError:
            raise
        except OSError as error:
            raise BrokenFrame("the connection broke") from error
        if not part:
            raise BrokenFrame("the other side closed the connection")
        received += part
    return bytes(received)
