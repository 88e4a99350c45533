"""The VAD's model as it ships is the original one, computed in another order."""

import importlib.util

import numpy as np
import onnxruntime
import pytest
from support.audio import silence, voiced, with_noise

from moderation.audio.vad import CONTEXT_SAMPLES, FRAME_SAMPLES, MODEL_FILE, SileroVad, fresh_state
from moderation.audio.vad_graph import build_model, original_model
from moderation.errors import ModelMissing


def test_what_ships_is_what_the_program_builds() -> None:
    import onnx

    # Not byte by byte: how a message is written down is up to the version of the package.
    assert onnx.load(MODEL_FILE) == onnx.load_from_string(build_model())


@pytest.mark.parametrize("gain", [0.001, 0.05, 1.0])
def test_the_probabilities_are_the_originals_to_rounding(vad: SileroVad, gain: float) -> None:
    audio = with_noise(np.concatenate([silence(1), voiced(2), silence(1), voiced(1)])) * np.float32(gain)
    audio = audio[: len(audio) // FRAME_SAMPLES * FRAME_SAMPLES]
    ours, state = vad.score(fresh_state(), audio)
    padded = np.concatenate([np.zeros(CONTEXT_SAMPLES, np.float32), audio])
    windows = np.lib.stride_tricks.sliding_window_view(padded, CONTEXT_SAMPLES + FRAME_SAMPLES)[::FRAME_SAMPLES]
    session = onnxruntime.InferenceSession(original_model(), providers=["CPUExecutionProvider"])
    zeros = np.zeros((1, 1, 128), np.float32)
    originals, hidden, cell = session.run(
        ("speech_probs", "hn", "cn"), {"input": np.ascontiguousarray(windows), "h": zeros, "c": zeros}
    )
    assert max(ours) > 0.5 or gain < 1
    np.testing.assert_allclose(ours, originals, atol=2e-5)
    np.testing.assert_allclose(state.hidden, hidden, atol=2e-4)
    np.testing.assert_allclose(state.cell, cell, atol=1e-3)


def test_a_missing_original_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelMissing, match="pip install"):
        original_model()
