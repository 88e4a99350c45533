"""Engines on real models, and the clips they hear."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from faster_whisper.audio import decode_audio

from moderation.asr.engine import Samples, SpeechEngine
from moderation.asr.vosk.engine import VoskEngine
from moderation.asr.whisper.engine import WhisperEngine
from moderation.models.store import ModelStore
from moderation.settings import AsrSettings

CLIPS = Path(__file__).parents[2] / "data" / "asr"


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    return ModelStore(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def english() -> Samples:
    return np.asarray(decode_audio(str(CLIPS / "english.ogg")), dtype=np.float32)


@pytest.fixture(scope="session")
def korean() -> Samples:
    return np.asarray(decode_audio(str(CLIPS / "korean.ogg")), dtype=np.float32)


@pytest.fixture(scope="session")
def tiny(store: ModelStore) -> Iterator[SpeechEngine]:
    engine = WhisperEngine(
        store.require("whisper:tiny.en"), name="whisper:tiny.en", version="test", settings=AsrSettings()
    )
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def base(store: ModelStore) -> Iterator[WhisperEngine]:
    engine = WhisperEngine(store.require("whisper:base"), name="whisper:base", version="test", settings=AsrSettings())
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def vosk(store: ModelStore) -> Iterator[VoskEngine]:
    engine = VoskEngine(
        store.require("vosk:ko"),
        name="vosk:ko",
        version="test",
        languages=frozenset({"ko"}),
        settings=AsrSettings(engine_timeout_s=110.0),
    )
    yield engine
    engine.close()
