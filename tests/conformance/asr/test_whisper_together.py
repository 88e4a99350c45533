"""What is decoded together with others is what it would be alone: to the last bit, or a replay could tell otherwise."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from moderation.asr.engine import Samples
from moderation.asr.whisper.engine import WhisperEngine
from moderation.asr.whisper.model import Decoding, Search, WhisperModel
from moderation.asr.whisper.quality import most_tokens
from moderation.models.store import ModelStore
from moderation.settings import AsrSettings

RATE_HZ = 16_000


@pytest.fixture(scope="module")
def model(store: ModelStore) -> WhisperModel:
    return WhisperModel(
        store.require("whisper:tiny.en"), device="cpu", compute_type="int8", threads=1, workers=1, decoder="ctranslate2"
    )


def decodings(model: WhisperModel, english: Samples, search: Search) -> list[Decoding]:
    """Speech from several places, noise, and silence, in one window."""
    heard = [english[start * RATE_HZ // 2 :][: 3 * RATE_HZ] for start in range(4)]
    heard.append((np.random.default_rng(1).standard_normal(2 * RATE_HZ) * 0.05).astype(np.float32))
    heard.append(np.zeros(RATE_HZ, np.float32))
    return [Decoding(encoding=model.encode(samples, 10), language="en", search=search) for samples in heard]


@pytest.mark.parametrize("beam", [1, 5])
def test_together_is_as_alone(model: WhisperModel, english: Samples, beam: int) -> None:
    several = decodings(model, english, Search(beam=beam))
    assert len({decoding.kind for decoding in several}) == 1
    alone = [model.generate([decoding])[0] for decoding in several]
    assert len({attempt.text for attempt in alone}) > 3
    assert model.generate(several) == alone
    assert model.generate(several[::-1]) == alone[::-1]


def test_one_that_is_stopped_early_alone_is_stopped_as_early_beside_longer_ones(
    model: WhisperModel, english: Samples
) -> None:
    *others, last = decodings(model, english, Search(beam=1))[:3]
    whole = model.encode(english[: 8 * RATE_HZ], 10)
    stopped = Decoding(encoding=replace(whole, audio_samples=1), language="en", search=last.search)
    (alone,) = model.generate([stopped])
    assert alone.reached_limit
    assert len(alone.tokens) == most_tokens(1 / RATE_HZ, english_only=True)  # it was half of that: fast speech was cut
    assert model.generate([*others, stopped, last])[-2] == alone


def test_utterances_recognised_at_once_are_as_those_recognised_in_a_row(store: ModelStore, english: Samples) -> None:
    engine = WhisperEngine(
        store.require("whisper:tiny.en"), name="whisper:x", version="1", settings=AsrSettings(whisper_batch=4)
    )
    utterances = [english[start * RATE_HZ // 2 :][: length * RATE_HZ] for start in range(3) for length in (2, 4)]
    in_a_row = [engine.recognise(samples, "en") for samples in utterances]
    with ThreadPoolExecutor(len(utterances)) as pool:
        assert list(pool.map(lambda samples: engine.recognise(samples, "en"), utterances)) == in_a_row
    engine.close()
