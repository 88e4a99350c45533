"""How audio is spread over chunks changes no utterance."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.audio import conversation, encoded_chunks, pcm_chunks, take_all, utterances_of

from moderation.audio.intake import StreamIntake
from moderation.audio.opus import split_packets
from moderation.audio.utterance import Utterance
from moderation.audio.vad import SileroVad
from moderation.events import AudioChunk, AudioEncoding
from moderation.settings import AudioSettings

SETTINGS = AudioSettings(max_utterance_s=1.4)
"""A short maximum, so that some utterances are cut."""

sizes_ms = st.lists(st.integers(1, 990), min_size=1, max_size=12)


@functools.cache
def audio(seed: int, rate: int) -> np.ndarray:
    return conversation(seed, rate=rate, noise=(0.0, 0.001, 0.01)[seed % 3])


def utterances(vad: SileroVad, chunks: list[AudioChunk]) -> list[Utterance]:
    return utterances_of(take_all(StreamIntake(SETTINGS, vad), chunks))


def assert_same(one: list[Utterance], other: list[Utterance]) -> None:
    assert [_bounds(each) for each in one] == [_bounds(each) for each in other]
    for first, second in zip(one, other, strict=True):
        assert np.array_equal(first.samples, second.samples)


def _bounds(utterance: Utterance) -> tuple[int, ...]:
    return (
        utterance.number,
        utterance.start_ms,
        utterance.end_ms,
        utterance.speech_end_ms,
        utterance.decided_ms,
        len(utterance.samples),
    )


@pytest.mark.parametrize("rate", [16_000, 8_000, 48_000, 44_100])
def test_pcm_may_be_cut_anywhere(vad: SileroVad, rate: int) -> None:
    @settings(max_examples=12, deadline=None)
    @given(seed=st.integers(0, 2), sizes=sizes_ms, odd=st.integers(0, 47))
    def check(seed: int, sizes: list[int], odd: int) -> None:
        samples = audio(seed, rate)
        reference = utterances(vad, pcm_chunks(samples, [rate // 5], rate=rate))
        assert len(reference) >= 3
        cut = [size * rate // 1000 + odd for size in sizes]
        assert_same(reference, utterances(vad, pcm_chunks(samples, cut, rate=rate)))

    check()


@functools.cache
def opus_chunks(seed: int) -> list[AudioChunk]:
    return encoded_chunks(audio(seed, 48_000), AudioEncoding.OPUS, 48_000, chunk_ms=20)


def test_opus_packets_may_be_grouped_at_will(vad: SileroVad) -> None:
    @settings(max_examples=12, deadline=None)
    @given(seed=st.integers(0, 2), groups=st.lists(st.integers(1, 50), min_size=1, max_size=12))
    def check(seed: int, groups: list[int]) -> None:
        single = opus_chunks(seed)
        assert all(len(list(split_packets(each.payload, 2))) == 1 for each in single)
        reference = utterances(vad, single)
        assert len(reference) >= 3
        assert_same(reference, utterances(vad, _regrouped(single, groups)))

    check()


def _regrouped(single: list[AudioChunk], groups: list[int]) -> list[AudioChunk]:
    chunks: list[AudioChunk] = []
    start = 0
    while start < len(single):
        group = single[start : start + groups[len(chunks) % len(groups)]]
        start += len(group)
        first = group[0]
        chunks.append(
            AudioChunk(
                tenant_id=first.tenant_id,
                session_id=first.session_id,
                stream_id=first.stream_id,
                speaker_id=first.speaker_id,
                sequence=len(chunks),
                captured_at=first.captured_at,
                encoding=first.encoding,
                sample_rate_hz=first.sample_rate_hz,
                channels=first.channels,
                payload=b"".join(each.payload for each in group),
            )
        )
    return chunks
