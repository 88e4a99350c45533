import numpy as np

from moderation.audio.buffer import SampleBuffer


def filled(*lengths: int) -> SampleBuffer:
    buffer = SampleBuffer()
    for length in lengths:
        buffer.append(np.arange(buffer.end, buffer.end + length, dtype=np.float32))
    return buffer


def test_samples_are_read_across_pieces() -> None:
    assert filled(3, 4, 5).read(2, 8).tolist() == [2, 3, 4, 5, 6, 7]


def test_an_empty_range_reads_nothing() -> None:
    assert len(filled(3).read(2, 2)) == 0
    assert len(SampleBuffer().read(0, 0)) == 0


def test_forgetting_keeps_what_comes_later() -> None:
    buffer = filled(3, 4, 5)
    buffer.forget_before(5)
    assert buffer.start == 3
    assert buffer.end == 12
    assert buffer.read(5, 12).tolist() == [5, 6, 7, 8, 9, 10, 11]


def test_forgetting_everything_keeps_the_position() -> None:
    buffer = filled(3)
    buffer.forget_before(3)
    assert (buffer.start, buffer.end) == (3, 3)


def test_silence_is_told_of_a_range_across_pieces() -> None:
    buffer = filled(3)
    for samples in (np.zeros(4, np.float32), np.zeros(5, np.float32), np.ones(2, np.float32)):
        buffer.append(samples)
    assert buffer.is_silent(3, 12)
    assert buffer.is_silent(5, 5)
    assert not buffer.is_silent(2, 12)
    assert not buffer.is_silent(3, 13)
