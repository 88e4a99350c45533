from datetime import timedelta

import pytest
from support.audio import START

from moderation.audio.timeline import Timeline
from moderation.errors import InvariantViolation


def timeline(rate: int = 48_000, chunks: int = 3) -> Timeline:
    line = Timeline(rate)
    for number in range(chunks):
        line.append(number + 10, START + timedelta(milliseconds=200 * number), rate // 5)
    return line


def test_a_sample_is_found_in_its_chunk() -> None:
    line = timeline()
    assert [line.sequence_at(position) for position in (0, 3_199, 3_200, 6_400, 99_999)] == [10, 10, 11, 12, 12]


def test_times_count_from_the_start_of_the_stream_and_from_the_chunk() -> None:
    line = timeline()
    assert line.ms_at(4_000) == 250
    assert line.instant_at(4_000) == START + timedelta(milliseconds=250)
    assert line.expected_at() == START + timedelta(milliseconds=600)


def test_lost_audio_moves_what_follows() -> None:
    line = timeline(16_000, 1)
    line.append(12, START + timedelta(seconds=1), 3_200, missing_before=1_600)
    assert line.ms_at(3_199) == 199
    assert line.ms_at(3_200) == 300
    assert line.stream_end == 8_000


def test_forgotten_chunks_are_a_bug_to_ask_for() -> None:
    line = timeline()
    line.forget_before(6_400)
    assert line.sequence_at(6_400) == 12
    with pytest.raises(InvariantViolation):
        line.sequence_at(0)


def test_an_uneven_rate_does_not_drift() -> None:
    line = Timeline(44_100)
    for number in range(1_000):
        line.append(number, START, 441)
    assert line.end == 160_000
