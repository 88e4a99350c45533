"""Where an intake says that it may be gone on with, and how one goes on from there."""

import itertools
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from support.audio import START, chunk, encoded_chunks, pcm_chunks, silence, take_all, utterances_of, voiced, with_noise

from moderation.audio.intake import StreamIntake
from moderation.audio.utterance import Samples
from moderation.audio.vad import SileroVad
from moderation.errors import InvariantViolation
from moderation.events import AudioChunk, AudioEncoding, MissingAudio, ResumePoint
from moderation.settings import AudioSettings

SETTINGS = AudioSettings()
CHUNK = 3_200


def moved(chunks: list[AudioChunk], by: timedelta) -> list[AudioChunk]:
    """The chunks with a clock that is off."""
    return [chunk(each.payload, each.sequence, captured_at=each.captured_at + by) for each in chunks]


def speech(seconds: float = 1.0, before: float = 0.6, after: float = 0.8) -> Samples:
    return with_noise(np.concatenate([silence(before), voiced(seconds), silence(after)]))


def two_utterances() -> list[AudioChunk]:
    return pcm_chunks(np.concatenate([speech(), speech(0.7)]), [CHUNK])


def test_a_stream_begins_at_its_first_chunk_that_holds_audio(vad: SileroVad) -> None:
    intake = StreamIntake(SETTINGS, vad)
    assert intake.finish().origin is None
    results = [intake.accept(chunk(bytes(6_400), sequence, captured_at=START)) for sequence in (7, 8)]
    expected = ResumePoint(sequence=7, skip_samples=0, position=0, captured_at=START, utterances=0)
    assert [result.origin for result in results] == [expected, expected]


def test_an_utterance_names_the_chunk_in_which_the_next_may_begin(vad: SileroVad) -> None:
    first, _ = utterances_of(take_all(StreamIntake(SETTINGS, vad), two_utterances()))
    resume = first.resume
    assert resume.utterances == 1
    assert resume.position == resume.sequence * CHUNK
    assert 0 <= resume.skip_samples < CHUNK
    assert (resume.position + resume.skip_samples) // 16 == first.speech_end_ms
    assert resume.captured_at == START + timedelta(milliseconds=200 * resume.sequence)


def test_after_the_end_of_a_run_the_next_chunk_is_named(vad: SileroVad) -> None:
    chunks = pcm_chunks(speech(after=0), [CHUNK])
    (utterance,) = utterances_of(take_all(StreamIntake(SETTINGS, vad), chunks))
    end = timedelta(milliseconds=1_600)
    assert utterance.resume == ResumePoint(
        sequence=8, skip_samples=0, position=1_600 * 16, captured_at=START + end, utterances=1
    )


@pytest.mark.parametrize("encoding", [AudioEncoding.OPUS, AudioEncoding.PCM_S16LE])
def test_what_keeps_state_is_given_audio_to_settle(vad: SileroVad, encoding: AudioEncoding) -> None:
    samples = np.concatenate([voiced(8, rate=48_000), silence(1, 48_000)])
    chunks = encoded_chunks(with_noise(samples), encoding, 48_000, chunk_ms=20)
    intake = StreamIntake(AudioSettings(max_utterance_s=5), vad)
    first = next(utterance for each in chunks for utterance in utterances_of([intake.accept(each)]))
    settle_ms = 2_400 if encoding is AudioEncoding.OPUS else 32
    assert settle_ms * 16 <= first.resume.skip_samples < (settle_ms + 20) * 16
    assert (first.resume.position + first.resume.skip_samples) // 16 == first.end_ms


def test_no_chunk_is_let_go_that_a_resume_point_names(vad: SileroVad) -> None:
    for encoding in (AudioEncoding.OPUS, AudioEncoding.PCM_S16LE):
        samples = np.concatenate([speech(), with_noise(voiced(4)), speech()])
        chunks = encoded_chunks(samples, encoding, 16_000, chunk_ms=20)
        results = take_all(StreamIntake(AudioSettings(max_utterance_s=2), vad), chunks)
        for result in results[:-1]:
            for utterance in utterances_of([result]):
                assert result.needed_from_sequence is not None
                assert result.needed_from_sequence <= utterance.resume.sequence


def test_a_later_first_chunk_goes_on_with_the_timeline_by_its_instant(vad: SileroVad) -> None:
    chunks = two_utterances()
    first, second = utterances_of(take_all(StreamIntake(SETTINGS, vad), chunks))
    in_silence = [each for each in chunks if each.sequence > first.resume.sequence + 1]
    (told,) = utterances_of(take_all(StreamIntake(SETTINGS, vad, resume=first.resume), in_silence))
    assert (told.number, told.start_ms, told.end_ms) == (1, second.start_ms, second.end_ms)
    assert np.array_equal(told.samples, second.samples)


def test_a_chunk_before_the_resume_point_is_a_bug_of_the_caller(vad: SileroVad) -> None:
    resume = ResumePoint(sequence=5, skip_samples=0, position=0, captured_at=START, utterances=0)
    with pytest.raises(InvariantViolation):
        StreamIntake(SETTINGS, vad, resume=resume).accept(chunk(bytes(640), 4))


def test_an_intake_says_where_to_go_on_when_what_is_open_is_given_up(vad: SileroVad) -> None:
    intake = StreamIntake(SETTINGS, vad)
    with pytest.raises(InvariantViolation):
        _ = intake.resume_point
    for each in pcm_chunks(speech(after=0), [CHUNK])[:6]:
        intake.accept(each)
    behind = ResumePoint(
        sequence=6,
        skip_samples=0,
        position=6 * CHUNK,
        captured_at=START + timedelta(milliseconds=1_200),
        utterances=0,
    )
    assert intake.resume_point == behind
    assert StreamIntake(SETTINGS, vad, resume=behind).resume_point == behind


def test_audio_that_never_came_is_listed_where_it_is_missing(vad: SileroVad) -> None:
    chunks = [each for each in pcm_chunks(speech(2.0), [CHUNK]) if each.sequence not in (6, 9)]
    (utterance,) = utterances_of(take_all(StreamIntake(SETTINGS, vad), chunks))
    assert utterance.missing == (
        MissingAudio(at_ms=1_200, duration_ms=200),
        MissingAudio(at_ms=1_800, duration_ms=200),
    )


def test_audio_missing_outside_an_utterance_is_not_listed_with_it(vad: SileroVad) -> None:
    chunks = [each for each in pcm_chunks(speech(before=1.6), [CHUNK]) if each.sequence != 2]
    (utterance,) = utterances_of(take_all(StreamIntake(SETTINGS, vad), chunks))
    assert utterance.missing == ()


def test_a_clock_that_goes_back_is_told_and_moves_no_time_back(vad: SileroVad) -> None:
    chunks = two_utterances()
    jumped = [*chunks[:6], *moved(chunks[6:], timedelta(seconds=-90))]
    results = take_all(StreamIntake(SETTINGS, vad), jumped)
    assert [result.clock_jump_ms for result in results if result.clock_jump_ms] == [-90_000]
    utterances = utterances_of(results)
    steady = utterances_of(take_all(StreamIntake(SETTINGS, vad), chunks))
    assert [each.start_ms for each in utterances] == [each.start_ms for each in steady]
    assert all(each.started_at <= each.ended_at for each in utterances)


def test_a_clock_that_leaps_ahead_within_contiguous_chunks_is_told(vad: SileroVad) -> None:
    chunks = two_utterances()
    results = take_all(StreamIntake(SETTINGS, vad), [*chunks[:6], *moved(chunks[6:], timedelta(hours=1))])
    assert [result.clock_jump_ms for result in results if result.clock_jump_ms] == [3_600_000]
    utterances = utterances_of(results)
    assert all(one.end_ms <= other.start_ms for one, other in itertools.pairwise(utterances))


def test_a_pause_that_was_finished_and_lost_chunks_are_no_clock_jumps(vad: SileroVad) -> None:
    chunks = two_utterances()
    paused = StreamIntake(SETTINGS, vad)
    results = take_all(paused, chunks[:6]) + take_all(paused, moved(chunks[6:], timedelta(hours=1)))
    results += take_all(StreamIntake(SETTINGS, vad), [*chunks[:2], *chunks[9:]])
    jitter = moved(chunks[3:], timedelta(milliseconds=-900))
    results += take_all(StreamIntake(SETTINGS, vad), [*chunks[:3], *jitter])
    assert {result.clock_jump_ms for result in results} == {0}


def test_a_later_first_chunk_is_not_heard_where_it_belongs_to_what_is_finished(vad: SileroVad) -> None:
    chunks = pcm_chunks(speech(), [320])
    (utterance,) = utterances_of(take_all(StreamIntake(SETTINGS, vad), chunks))
    early = replace(
        utterance.resume,
        sequence=utterance.resume.sequence - 20,
        skip_samples=utterance.resume.skip_samples + 20 * 320,
        position=utterance.resume.position - 20 * 320,
        captured_at=utterance.resume.captured_at - timedelta(milliseconds=400),
    )
    tail = [each for each in chunks if each.sequence > early.sequence]
    assert utterances_of(take_all(StreamIntake(SETTINGS, vad), tail))
    assert not utterances_of(take_all(StreamIntake(SETTINGS, vad, resume=early), tail))
