"""An intake that goes on from a resume point tells what the undisturbed one told."""

import functools
import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.audio import (
    START,
    conversation,
    encoded_chunks,
    pcm_chunks,
    silence,
    take_all,
    utterances_of,
    voiced,
    with_noise,
)

from moderation.audio.intake import StreamIntake
from moderation.audio.resample import EXACT_RATES_HZ
from moderation.audio.utterance import IntakeResult, Samples, Utterance
from moderation.audio.vad import SileroVad
from moderation.events import AudioChunk, AudioEncoding, ResumePoint
from moderation.settings import AudioSettings

SETTINGS = AudioSettings(max_utterance_s=1.4, max_splice_ms=600)
"""A short maximum and short splices, so that utterances are cut and runs are closed."""

ROUNDING = 1e-6
"""A resampler that starts anew rounds otherwise."""

NO_SAMPLES = np.zeros(0, np.float32)
"""One array, so that dataclasses that hold it compare."""

NOWHERE = ResumePoint(sequence=0, skip_samples=0, position=0, captured_at=START, utterances=0)


@functools.cache
def audio(seed: int, rate: int) -> Samples:
    """A conversation, speech that goes on beyond the maximum, and quiet."""
    parts = [conversation(seed, rate=rate, utterances=2), voiced(2.5, seed=seed, rate=rate), silence(0.6, rate)]
    return with_noise(np.concatenate(parts), (0.0, 0.001, 0.004)[seed % 3], seed)


def undisturbed(vad: SileroVad, chunks: list[AudioChunk]) -> list[Utterance]:
    return utterances_of(take_all(StreamIntake(SETTINGS, vad), chunks))


def resumed(vad: SileroVad, chunks: list[AudioChunk], resume: ResumePoint) -> list[Utterance]:
    rest = [each for each in chunks if each.sequence >= resume.sequence]
    return utterances_of(take_all(StreamIntake(SETTINGS, vad, resume=resume), rest))


def assert_same(expected: list[Utterance], told: list[Utterance], *, within: float) -> None:
    assert [_bounds(each, within) for each in told] == [_bounds(each, within) for each in expected]
    for one, other in zip(expected, told, strict=True):
        assert len(one.samples) == len(other.samples)
        assert np.abs(one.samples - other.samples).max() <= within


def _bounds(utterance: Utterance, within: float) -> Utterance:
    """All but the samples. A resampler holds back more or less, by when it started: so the last utterance of a run may
    come with its last chunk or with its end, and may be gone on from behind either."""
    return replace(utterance, samples=NO_SAMPLES, resume=utterance.resume if within == 0 else NOWHERE)


def assert_resumes_anywhere(vad: SileroVad, chunks: list[AudioChunk], *, within: float = 0.0) -> None:
    utterances = undisturbed(vad, chunks)
    assert utterances
    for number, utterance in enumerate(utterances):
        assert utterance.resume.utterances == number + 1
        assert_same(utterances[number + 1 :], resumed(vad, chunks, utterance.resume), within=within)


def without(chunks: list[AudioChunk], lost: list[tuple[float, int]]) -> list[AudioChunk]:
    """The chunks without runs of them: each starts at a fraction of the stream and is so many chunks long."""
    gone = {int(at * len(chunks)) + step for at, count in lost for step in range(count)}
    return [each for each in chunks if each.sequence not in gone]


losses = st.lists(st.tuples(st.floats(0, 1), st.integers(1, 6)), max_size=3)


def test_of_16_khz_pcm_every_sample_and_time_is_the_same_wherever_chunks_are_cut_or_lost(vad: SileroVad) -> None:
    @settings(max_examples=15, deadline=None)
    @given(seed=st.integers(0, 5), sizes=st.lists(st.integers(300, 15_000), min_size=1, max_size=8), lost=losses)
    def check(seed: int, sizes: list[int], lost: list[tuple[float, int]]) -> None:
        assert_resumes_anywhere(vad, without(pcm_chunks(audio(seed, 16_000), sizes), lost))

    check()


@pytest.mark.parametrize("encoding", [AudioEncoding.MULAW, AudioEncoding.FLAC, AudioEncoding.PCM_F32LE])
def test_of_other_exact_encodings_at_16_khz_every_sample_and_time_is_the_same(
    vad: SileroVad, encoding: AudioEncoding
) -> None:
    @settings(max_examples=4, deadline=None)
    @given(seed=st.integers(0, 5), chunk_ms=st.sampled_from([20, 60, 200, 500]), lost=losses)
    def check(seed: int, chunk_ms: int, lost: list[tuple[float, int]]) -> None:
        assert_resumes_anywhere(
            vad, without(encoded_chunks(audio(seed, 16_000), encoding, 16_000, chunk_ms=chunk_ms), lost)
        )

    check()


@pytest.mark.parametrize("rate", EXACT_RATES_HZ)
def test_at_the_rates_of_devices_and_codecs_every_sample_and_time_is_the_same(vad: SileroVad, rate: int) -> None:
    step = 40 * rate // 1000  # whole at all these rates, and whole steps of the resampler

    @settings(max_examples=4, deadline=None)
    @given(seed=st.integers(0, 5), steps=st.lists(st.integers(1, 20), min_size=1, max_size=8), lost=losses)
    def check(seed: int, steps: list[int], lost: list[tuple[float, int]]) -> None:
        assert_resumes_anywhere(
            vad, without(pcm_chunks(audio(seed, rate), [step * count for count in steps], rate=rate), lost)
        )

    check()


@pytest.mark.parametrize("rate", [9_600, 40_000])
def test_at_other_rates_every_time_is_the_same_and_every_sample_but_for_rounding(vad: SileroVad, rate: int) -> None:
    @settings(max_examples=5, deadline=None)
    @given(seed=st.integers(0, 5), tens_of_ms=st.lists(st.integers(2, 90), min_size=1, max_size=8), lost=losses)
    def check(seed: int, tens_of_ms: list[int], lost: list[tuple[float, int]]) -> None:
        sizes = [tens * rate // 100 for tens in tens_of_ms]
        chunks = without(pcm_chunks(audio(seed, rate), sizes, rate=rate), lost)
        assert_resumes_anywhere(vad, chunks, within=ROUNDING)

    check()


def test_chunks_that_split_the_steps_of_the_resampler_move_a_resumed_time_by_a_sample_at_the_most(
    vad: SileroVad,
) -> None:
    chunks = pcm_chunks(audio(1, 44_100), [8_191], rate=44_100)
    utterances = undisturbed(vad, chunks)
    for number, utterance in enumerate(utterances):
        told = resumed(vad, chunks, utterance.resume)
        for one, other in zip(utterances[number + 1 :], told, strict=True):
            assert (one.number, one.first_sequence, one.last_sequence) == (
                other.number,
                other.first_sequence,
                other.last_sequence,
            )
            assert abs(one.start_ms - other.start_ms) <= 1
            assert abs(one.speech_end_ms - other.speech_end_ms) <= 32 + 1


def test_of_opus_every_sample_and_time_is_the_same(vad: SileroVad) -> None:
    for seed, chunk_ms in itertools.product(range(4), (20, 200)):
        samples = audio(seed, 48_000)
        chunks = encoded_chunks(samples, AudioEncoding.OPUS, 48_000, chunk_ms=chunk_ms)
        assert_resumes_anywhere(vad, without(chunks, [(0.3, seed)]))


def _is_same_flag(one: Utterance | None, other: Utterance | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.number, one.first_sequence, one.last_sequence) == (
        other.number,
        other.first_sequence,
        other.last_sequence,
    )


def _restarts(vad: SileroVad, chunks: list[AudioChunk]) -> Iterator[tuple[Utterance | None, Utterance | None]]:
    """The utterance that follows a commit, or is open then, and what a worker that starts there makes of it."""
    results = take_all(StreamIntake(SETTINGS, vad), chunks)
    utterances = utterances_of(results)
    mark = results[0].origin
    assert mark is not None
    committed = {mark.sequence}
    for result in results:
        for utterance in utterances_of([result]):
            mark = utterance.resume
        needed = result.needed_from_sequence
        if needed is not None and needed > mark.sequence and needed not in committed:
            committed.add(needed)
            told = _first_from(vad, chunks, needed, mark)
            yield next((each for each in utterances if each.number == mark.utterances), None), told


def _first_from(vad: SileroVad, chunks: list[AudioChunk], needed: int, mark: ResumePoint) -> Utterance | None:
    intake = StreamIntake(SETTINGS, vad, resume=mark)
    results: list[IntakeResult] = []
    for each in chunks[needed:]:
        results.append(intake.accept(each))
        if utterances_of(results[-1:]):
            break
    return next(iter(utterances_of([*results, intake.finish()])), None)


def with_long_pauses(seed: int, rate: int) -> Samples:
    """Speech that sets in at every place of a chunk, between pauses in which chunks are let go."""
    parts = [
        part
        for number in range(3)
        for part in (silence(3.6 + 0.013 * (3 * seed + number), rate), voiced(0.7, seed=3 * seed + number, rate=rate))
    ]
    return with_noise(np.concatenate([*parts, silence(0.8, rate)]), (0.0, 0.001)[seed % 2], seed)


@pytest.mark.parametrize(("encoding", "rate"), [(AudioEncoding.PCM_S16LE, 16_000), (AudioEncoding.OPUS, 48_000)])
def test_from_a_commit_in_silence_or_speech_every_utterance_has_the_same_sequences(
    vad: SileroVad, encoding: AudioEncoding, rate: int
) -> None:
    pairs = [
        pair
        for seed in range(4)
        for pair in _restarts(vad, encoded_chunks(with_long_pauses(seed, rate), encoding, rate, chunk_ms=100))
    ]
    assert len(pairs) >= 100
    assert [pair for pair in pairs if not _is_same_flag(*pair)] == []
