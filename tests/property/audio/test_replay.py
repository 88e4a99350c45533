"""A fresh intake that is given the chunks from an utterance's first on finds that utterance again.

This cannot be exact for every audio: where an utterance has no quiet place before it, its start depends on where
listening began. So the tests count, over enough utterances to notice when it becomes worse.
"""

from collections.abc import Iterator

import numpy as np
import pytest
from support.audio import conversation, encoded_chunks, events_of, pcm_chunks, take_all, utterances_of

from moderation.audio.intake import StreamIntake
from moderation.audio.utterance import Utterance
from moderation.audio.vad import SileroVad
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


def replayed(vad: SileroVad, chunks: list[AudioChunk]) -> Iterator[tuple[Utterance, Utterance]]:
    """Each utterance of a stream, and what a replay makes of it."""
    for utterance in utterances_of(take_all(StreamIntake(SETTINGS, vad), chunks)):
        yield utterance, first_utterance(vad, chunks[utterance.first_sequence :])


def is_same_flag(one: Utterance, other: Utterance) -> bool:
    return (one.first_sequence, one.last_sequence) == (other.first_sequence, other.last_sequence)


def test_a_replay_of_pcm_gives_the_same_sequences_samples_and_instants(vad: SileroVad) -> None:
    pairs: list[tuple[Utterance, Utterance]] = []
    for seed in range(24):
        noise, chunk_ms = (0.0, 0.0005, 0.001, 0.003)[seed % 4], (20, 60, 100, 200, 250)[seed % 5]
        pairs += replayed(vad, pcm_chunks(conversation(seed, noise=noise), [chunk_ms * 16]))
    assert len(pairs) == 72
    assert sum(is_same_flag(*pair) for pair in pairs) >= 71
    identical = [(one, other) for one, other in pairs if np.array_equal(one.samples, other.samples)]
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
    assert sum(is_same_flag(*pair) for pair in pairs) >= len(pairs) - 1
    close = [abs((one.ended_at - other.ended_at).total_seconds()) <= 0.064 for one, other in pairs]
    assert sum(close) >= len(pairs) - 1
