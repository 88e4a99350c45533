"""A fresh intake that is given the chunks from an utterance's first on finds that utterance again.

This cannot be exact for every audio: where an utterance has no quiet place before it, its start depends on where
listening began. So the tests count, over enough utterances to notice when it becomes worse.
"""

from collections.abc import Iterator

import numpy as np
import pytest
from support.audio import (
    conversation,
    encoded_chunks,
    events_of,
    pcm_chunks,
    silence,
    take_all,
    utterances_of,
    voiced,
    with_noise,
)

from moderation.audio.intake import StreamIntake
from moderation.audio.utterance import Utterance
from moderation.audio.vad import SileroVad
from moderation.contracts.ids import flag_id
from moderation.events import AudioChunk, AudioEncoding
from moderation.settings import AudioSettings

SETTINGS = AudioSettings()


def first_utterance(vad: SileroVad, chunks: list[AudioChunk]) -> Utterance:
    intake = StreamIntake(SETTINGS, vad)
    for each in chunks:
        for event in intake.accept(each).events:
            if isinstance(event, Utterance):
                return event
    return next(event for event in events_of([intake.finish()]) if isinstance(event, Utterance))


Replayed = tuple[Utterance, Utterance, list[AudioChunk]]


def replayed(vad: SileroVad, chunks: list[AudioChunk]) -> Iterator[Replayed]:
    """Each utterance of a stream, what a replay makes of it, and the chunks of the stream."""
    for utterance in utterances_of(take_all(StreamIntake(SETTINGS, vad), chunks)):
        yield utterance, first_utterance(vad, chunks[utterance.first_sequence :]), chunks


def is_same(one: Utterance, other: Utterance, chunks: list[AudioChunk]) -> bool:
    """Whether the utterances, and the flags about them, have the same ids."""
    is_same_utterance = (one.first_sequence, one.last_sequence) == (other.first_sequence, other.last_sequence)
    return is_same_utterance and _flag_id(one, chunks) == _flag_id(other, chunks)


def _flag_id(utterance: Utterance, chunks: list[AudioChunk]) -> str:
    first = chunks[utterance.first_sequence]
    return flag_id(
        tenant_id=first.tenant_id,
        stream_id=first.stream_id,
        captured_at=first.captured_at,
        first_sequence=first.sequence,
        started_at=utterance.started_at,
        policy_id="p",
    )


def test_a_replay_of_pcm_gives_the_same_sequences_samples_and_instants(vad: SileroVad) -> None:
    pairs: list[Replayed] = []
    for seed in range(24):
        noise, chunk_ms = (0.0, 0.0005, 0.001, 0.003)[seed % 4], (20, 60, 100, 200, 250)[seed % 5]
        pairs += replayed(vad, pcm_chunks(conversation(seed, noise=noise), [chunk_ms * 16]))
    assert len(pairs) == 72
    assert sum(is_same(*pair) for pair in pairs) >= 71
    identical = [(one, other) for one, other, _ in pairs if np.array_equal(one.samples, other.samples)]
    assert len(identical) >= 70
    for one, other in identical:
        assert one.started_at == other.started_at
        assert one.ended_at == other.ended_at


@pytest.mark.parametrize(
    ("encoding", "rate"),
    [
        (AudioEncoding.PCM_S16LE, 48_000),
        (AudioEncoding.PCM_S16LE, 8_000),
        (AudioEncoding.OPUS, 48_000),
        (AudioEncoding.OGG_OPUS, 48_000),
        (AudioEncoding.FLAC, 48_000),
    ],
)
def test_a_replay_through_codec_and_resampler_gives_the_same_sequences(
    vad: SileroVad, encoding: AudioEncoding, rate: int
) -> None:
    pairs = [
        pair
        for seed in range(6)
        for pair in replayed(vad, encoded_chunks(conversation(seed, rate=rate), encoding, rate))
    ]
    assert len(pairs) >= 16
    assert sum(is_same(*pair) for pair in pairs) >= len(pairs) - 1
    close = [abs((one.ended_at - other.ended_at).total_seconds()) <= 0.064 for one, other, _ in pairs]
    assert sum(close) >= len(pairs) - 1


@pytest.mark.parametrize("chunk_ms", [200, 700, 990])
def test_utterances_that_begin_in_one_chunk_have_flags_of_their_own(vad: SileroVad, chunk_ms: int) -> None:
    settings = AudioSettings(end_silence_ms=100, min_speech_ms=100)
    blips = [part for n in range(12) for part in (voiced(0.25, seed=n), silence(0.18))]
    chunks = pcm_chunks(with_noise(np.concatenate([silence(0.5), *blips])), [chunk_ms * 16])
    found = utterances_of(take_all(StreamIntake(settings, vad), chunks))
    firsts = [utterance.first_sequence for utterance in found]
    assert chunk_ms == 200 or len(set(firsts)) < len(firsts), "some chunk must hold two beginnings"
    assert len({_flag_id(utterance, chunks) for utterance in found}) == len(found)
