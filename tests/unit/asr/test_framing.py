import socket
from collections.abc import Iterator

import pytest

from moderation.asr.vosk.framing import MAX_FRAME_BYTES, BrokenFrame, receive_frame, send_frame


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_messages_arrive_one_by_one(ends: tuple[socket.socket, socket.socket]) -> None:
    for message in (b"one", b"", b"\x00" * 1_000):
        send_frame(ends[0], message, 1.0)
    assert [receive_frame(ends[1], 1.0) for _ in range(3)] == [b"one", b"", b"\x00" * 1_000]


def test_a_side_that_hangs_up_breaks_the_connection(ends: tuple[socket.socket, socket.socket]) -> None:
    ends[0].close()
    with pytest.raises(BrokenFrame):
        receive_frame(ends[1], 1.0)
    with pytest.raises(BrokenFrame):
        send_frame(ends[1], b"x", 1.0)


def test_half_a_message_is_broken(ends: tuple[socket.socket, socket.socket]) -> None:
    ends[0].sendall(b"\x00\x00\x00\x09half")
    ends[0].close()
    with pytest.raises(BrokenFrame):
        receive_frame(ends[1], 1.0)


def test_an_impossible_length_is_broken(ends: tuple[socket.socket, socket.socket]) -> None:
    ends[0].sendall((MAX_FRAME_BYTES + 1).to_bytes(4, "big"))
    with pytest.raises(BrokenFrame):
        receive_frame(ends[1], 1.0)


def test_silence_times_out(ends: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(TimeoutError):
        receive_frame(ends[0], 0.01)


def test_a_side_that_does_not_read_times_out(ends: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(TimeoutError):
        send_frame(ends[0], b"\x00" * MAX_FRAME_BYTES, 0.05)
