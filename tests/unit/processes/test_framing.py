import socket
from collections.abc import Iterator

import pytest

from moderation.processes.framing import BrokenFrame, receive_frame, send_frame


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_messages_arrive_one_by_one(ends: tuple[socket.socket, socket.socket]) -> None:
    for message in (b"one", b"", b"\x00" * 1_000):
        send_frame(ends[0], message, 1.0)
    assert [receive_frame(ends[1], max_bytes=1_000, timeout_s=1.0) for _ in range(3)] == [b"one", b"", bytes(1_000)]


def test_a_side_that_hangs_up_breaks_the_connection(ends: tuple[socket.socket, socket.socket]) -> None:
    ends[0].close()
    with pytest.raises(BrokenFrame):
        receive_frame(ends[1], max_bytes=10, timeout_s=1.0)
    with pytest.raises(BrokenFrame):
        send_frame(ends[1], b"x", 1.0)


def test_half_a_message_is_broken(ends: tuple[socket.socket, socket.socket]) -> None:
    ends[0].sendall(b"\x00\x00\x00\x09half")
    ends[0].close()
    with pytest.raises(BrokenFrame):
        receive_frame(ends[1], max_bytes=10, timeout_s=1.0)


def test_a_message_longer_than_allowed_is_broken(ends: tuple[socket.socket, socket.socket]) -> None:
    send_frame(ends[0], bytes(11), 1.0)
    with pytest.raises(BrokenFrame):
        receive_frame(ends[1], max_bytes=10, timeout_s=1.0)


def test_silence_times_out(ends: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(TimeoutError):
        receive_frame(ends[0], max_bytes=10, timeout_s=0.01)


def test_what_has_arrived_is_taken_even_after_the_deadline(ends: tuple[socket.socket, socket.socket]) -> None:
    send_frame(ends[0], b"in time", 1.0)
    assert receive_frame(ends[1], max_bytes=10, timeout_s=0.0) == b"in time"


def test_a_side_that_does_not_read_times_out(ends: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(TimeoutError):
        send_frame(ends[0], bytes(16 * 1024 * 1024), 0.05)
