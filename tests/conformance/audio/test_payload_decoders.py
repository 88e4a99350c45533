"""Every encoding's decoder keeps the contract of `PayloadDecoder`, in this process and in a confined one."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Protocol

import numpy as np
import pytest
from support.audio import voiced

from moderation.audio.confined.decoding import ConfinedDecoding
from moderation.audio.decode import PayloadDecoder, open_confined_decoder, open_decoder
from moderation.audio.encode import ChunkEncoder
from moderation.audio.limits import StreamFormat
from moderation.errors import DeadLetterCode, InvalidMessage
from moderation.events import AudioEncoding
from moderation.settings import AudioSettings

EVERY_ENCODING = pytest.mark.parametrize("encoding", list(AudioEncoding))
LOSSLESS = {AudioEncoding.PCM_S16LE, AudioEncoding.PCM_F32LE, AudioEncoding.FLAC}
COMPANDED = {AudioEncoding.MULAW, AudioEncoding.ALAW}


class Open(Protocol):
    def __call__(self, encoding: AudioEncoding, rate: int = 16_000, **limits: int) -> PayloadDecoder: ...


@pytest.fixture(scope="module", params=["here", "confined"])
def decoder(request: pytest.FixtureRequest) -> Iterator[Open]:
    with ExitStack() as running:
        openers = {}

        def opened(encoding: AudioEncoding, rate: int = 16_000, **limits: int) -> PayloadDecoder:
            settings = AudioSettings(**limits)
            if request.param == "here":
                opener = open_decoder
            else:
                key = tuple(limits.items())
                if key not in openers:
                    openers[key] = open_confined_decoder(running.enter_context(ConfinedDecoding(settings)))
                opener = openers[key]
            return opener(StreamFormat(encoding=encoding, sample_rate_hz=rate, channels=1), settings)

        yield opened


def payloads(encoding: AudioEncoding, samples: np.ndarray, rate: int = 16_000) -> list[bytes]:
    encoder = ChunkEncoder(encoding, rate, 200)
    return [*encoder.encode(samples), *encoder.flush()]


@EVERY_ENCODING
@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_what_was_encoded_comes_back(decoder: Open, encoding: AudioEncoding, rate: int) -> None:
    samples = voiced(1, rate=rate)
    opened = decoder(encoding, rate)
    decoded = np.concatenate([opened.decode(payload) for payload in payloads(encoding, samples, rate)])
    assert decoded.dtype == np.float32
    assert len(decoded) == opened.output_rate_hz
    if encoding in LOSSLESS:
        assert np.abs(decoded - samples).max() <= 0.5 / 32_768 + 1e-7
    elif encoding in COMPANDED:
        assert np.all(np.abs(decoded - samples) <= np.abs(samples) / 30 + 5e-4)
    else:
        # Packets do not say how many samples the encoder looked ahead (6.5 ms), so raw Opus comes a little late.
        assert _envelope_correlation(decoded, samples) > 0.95


def _envelope_correlation(decoded: np.ndarray, samples: np.ndarray) -> float:
    one, other = (np.sqrt((each.reshape(50, -1) ** 2).mean(axis=1)) for each in (decoded, samples))
    return float(np.corrcoef(one, other)[0, 1])


@EVERY_ENCODING
def test_an_empty_payload_is_no_audio(decoder: Open, encoding: AudioEncoding) -> None:
    assert decoder(encoding).decode(b"").shape == (0,)


@EVERY_ENCODING
def test_samples_are_mono_finite_and_in_range(decoder: Open, encoding: AudioEncoding) -> None:
    loud = np.sign(voiced(0.4))
    opened = decoder(encoding)
    for payload in payloads(encoding, loud):
        decoded = opened.decode(payload)
        assert decoded.ndim == 1
        assert np.isfinite(decoded).all()
        assert np.abs(decoded).max() <= 1.0


@EVERY_ENCODING
def test_more_than_the_longest_chunk_is_refused(decoder: Open, encoding: AudioEncoding) -> None:
    (payload, *_) = payloads(encoding, voiced(0.2))
    with pytest.raises(InvalidMessage) as refusal:
        decoder(encoding, max_chunk_ms=150).decode(payload)
    assert refusal.value.code is DeadLetterCode.AUDIO_LIMIT_EXCEEDED


@EVERY_ENCODING
def test_a_refused_payload_leaves_the_decoder_usable(decoder: Open, encoding: AudioEncoding) -> None:
    first, second, *_ = payloads(encoding, voiced(1))
    opened = decoder(encoding, max_chunk_ms=200)
    opened.decode(first)
    with pytest.raises(InvalidMessage):
        opened.decode(bytes(100_001))
    assert len(opened.decode(second)) == opened.output_rate_hz // 5
