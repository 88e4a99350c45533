from datetime import timedelta

import pytest
from support.audio import START

from moderation.audio.timeline import Timeline
from moderation.errors import InvariantViolation
from moderation.events import MissingAudio


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


def test_going_on_takes_up_the_chunk_that_holds_the_pre_roll() -> None:
    line = Timeline(48_000, 1_000, pre_roll=500)
    for number in range(3):
        line.append(number + 10, START + timedelta(milliseconds=200 * number), 9_600)
    point = line.resume_point(6_500, utterances=4)
    assert (point.sequence, point.skip_samples, point.position, point.utterances) == (11, 3_300, 4_200, 4)
    assert point.captured_at == START + timedelta(milliseconds=200)
    assert line.resume_point(100, utterances=0).skip_samples == 100


def test_going_on_prefers_a_chunk_that_starts_on_a_step_of_the_resampler() -> None:
    line = Timeline(48_000)
    for number in range(9):
        line.append(number, START, 1_024)
    assert [line.needed_sequence(position) for position in (0, 1_000, 1_100, 2_000, 2_100)] == [0, 0, 3, 3, 6]
    line.forget_before(1_100)
    assert line.needed_sequence(1_100) == 3


def test_missing_audio_is_told_within_bounds() -> None:
    line = timeline(16_000, 1)
    line.append(12, START + timedelta(seconds=1), 3_200, missing_before=1_600)
    missing = (MissingAudio(at_ms=200, duration_ms=100),)
    assert line.missing_between(0, 6_400) == missing
    assert line.missing_between(3_199, 3_201) == missing
    assert line.missing_between(3_200, 6_400) == ()
    assert line.missing_between(0, 3_200) == ()
