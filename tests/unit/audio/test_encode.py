import numpy as np
import pytest
from support.audio import voiced

from moderation.audio.encode import ChunkEncoder
from moderation.errors import ConfigurationError
from moderation.events import AudioEncoding


@pytest.mark.parametrize("encoding", list(AudioEncoding))
def test_samples_are_cut_into_chunks_however_they_arrive(encoding: AudioEncoding) -> None:
    samples = voiced(1.1)
    at_once = ChunkEncoder(encoding, 16_000, 200)
    whole = [*at_once.encode(samples), *at_once.flush()]
    bit_by_bit = ChunkEncoder(encoding, 16_000, 200)
    pieces = [payload for piece in np.split(samples, [1, 5_000, 5_001, 12_345]) for payload in bit_by_bit.encode(piece)]
    pieces += bit_by_bit.flush()
    assert len(whole) == 6
    assert [len(payload) for payload in pieces] == [len(payload) for payload in whole]
    if encoding is not AudioEncoding.OGG_OPUS:  # Ogg files carry a random serial number
        assert pieces == whole


@pytest.mark.parametrize("encoding", list(AudioEncoding))
def test_nothing_waiting_flushes_nothing(encoding: AudioEncoding) -> None:
    encoder = ChunkEncoder(encoding, 16_000, 200)
    assert len(encoder.encode(voiced(0.4))) == 2
    assert encoder.flush() == []


def test_samples_beyond_range_are_clipped() -> None:
    (payload,) = ChunkEncoder(AudioEncoding.PCM_S16LE, 16_000, 1).encode(np.full(16, 7.0, np.float32))
    assert np.frombuffer(payload, "<i2").tolist() == [32_767] * 16


@pytest.mark.parametrize(
    ("encoding", "rate", "chunk_ms"),
    [
        (AudioEncoding.OPUS, 44_100, 200),
        (AudioEncoding.OGG_OPUS, 11_025, 200),
        (AudioEncoding.OPUS, 16_000, 50),
        (AudioEncoding.PCM_S16LE, 16_000, 0),
    ],
)
def test_what_cannot_be_encoded_is_a_clear_error(encoding: AudioEncoding, rate: int, chunk_ms: int) -> None:
    with pytest.raises(ConfigurationError, match=r"use|multiples"):
        ChunkEncoder(encoding, rate, chunk_ms)
