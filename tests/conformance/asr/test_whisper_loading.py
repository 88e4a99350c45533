"""What the Whisper engine says when it cannot be loaded as the settings ask."""

from pathlib import Path

import pytest

from moderation.asr.engine import Samples
from moderation.asr.whisper.engine import WhisperEngine
from moderation.errors import ConfigurationError
from moderation.models.store import ModelStore
from moderation.settings import AsrSettings


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"model\.bin, config\.json, tokenizer\.json missing"):
        WhisperEngine(tmp_path, name="whisper:x", version="1", settings=AsrSettings())


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(ConfigurationError, match="moderation models verify"):
        WhisperEngine(tmp_path, name="whisper:x", version="1", settings=AsrSettings())


def test_a_compute_type_that_does_not_exist_is_refused(store: ModelStore) -> None:
    settings = AsrSettings(whisper_compute_type="int3")
    with pytest.raises(ConfigurationError, match="MODERATION_ASR__WHISPER_COMPUTE_TYPE"):
        WhisperEngine(store.require("whisper:tiny.en"), name="whisper:x", version="1", settings=settings)


def test_beam_search_float_weights_and_sampling_can_be_set(store: ModelStore, english: Samples) -> None:
    settings = AsrSettings(
        whisper_compute_type="float32",
        whisper_beam=3,
        whisper_temperatures=[0.2, 0.6],
        whisper_threads=2,
        whisper_workers=2,
    )
    engine = WhisperEngine(store.require("whisper:tiny.en"), name="whisper:x", version="1", settings=settings)
    recognizer = engine.recognizer(stream_id="s", language="en")
    recognizer.accept(english)
    assert "going to the park with our friends" in recognizer.finish().text
