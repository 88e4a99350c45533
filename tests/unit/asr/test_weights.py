"""Files in CTranslate2's format, as its `Model` reads them, and files that are not."""

import struct
from pathlib import Path

import numpy as np
import pytest

from moderation.asr.whisper.weights import BINARY_VERSION, WhisperWeights
from moderation.errors import ConfigurationError

CODES = {"float32": 0, "int8": 1, "int16": 2, "float16": 4, "uint16": 5}
NEEDED = {
    "decoder/num_heads": np.array(2, dtype=np.int16),
    "decoder/embeddings/weight": np.arange(12, dtype=np.float16).reshape(3, 4),
    "decoder/layer_0/ffn/linear_0/bias": np.zeros(4, dtype=np.float32),
    "decoder/layer_norm/gamma": np.ones(4, dtype=np.float32),
    "encoder/conv1/weight": np.zeros((4, 80, 3), dtype=np.float32),
    "encoder/layer_0/ffn/linear_0/bias": np.zeros(4, dtype=np.float32),
    "encoder/layer_1/ffn/linear_0/bias": np.zeros(4, dtype=np.float32),
    "encoder/layer_norm/gamma": np.ones(4, dtype=np.float32),
}


def model(arrays: dict[str, np.ndarray], *, version: int = BINARY_VERSION, specification: str = "WhisperSpec") -> bytes:
    parts = [struct.pack("<I", version), _text(specification), struct.pack("<II", 3, len(arrays))]
    for name, values in arrays.items():
        shape = struct.pack(f"<B{values.ndim}I", values.ndim, *values.shape)
        parts += [_text(name), shape, struct.pack("<BI", CODES[values.dtype.name], values.nbytes), values.tobytes()]
    return b"".join(parts) + struct.pack("<I", 0)


def _text(text: str) -> bytes:
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "model.bin"


def test_what_the_model_is_like_is_told(file: Path) -> None:
    file.write_bytes(model(NEEDED))
    weights = WhisperWeights(file)
    assert (weights.layers, weights.heads, weights.vocabulary, weights.width) == (1, 2, 3, 4)
    assert (weights.encoder_layers, weights.mels) == (2, 80)


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_weights_come_in_single_precision(file: Path, kind: type[np.generic]) -> None:
    file.write_bytes(model(NEEDED | {"w": np.array([[1.5, -2.25]], dtype=kind)}))
    told = WhisperWeights(file).float32("w")
    assert told.dtype == np.float32
    assert told.tolist() == [[1.5, -2.25]]


def test_weights_in_bfloat16_are_the_upper_half_of_single_precision(file: Path) -> None:
    upper = (np.array([1.5, -0.0078125], dtype=np.float32).view(np.uint32) >> 16).astype(np.uint16)
    file.write_bytes(model(NEEDED | {"w": upper}))
    assert WhisperWeights(file).float32("w").tolist() == [1.5, -0.0078125]


def test_weights_in_8_bits_are_divided_by_the_scale_of_their_row(file: Path) -> None:
    stored = {"w": np.array([[127, -64], [2, 4]], dtype=np.int8), "w_scale": np.array([127, 2], dtype=np.float32)}
    file.write_bytes(model(NEEDED | stored))
    np.testing.assert_allclose(WhisperWeights(file).float32("w"), [[1, -64 / 127], [1, 2]], rtol=1e-6)


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"{}",
        model(NEEDED)[:-20],
        model(NEEDED, version=BINARY_VERSION + 1),
        model(NEEDED, specification="TransformerSpec"),
        model(NEEDED).replace(b"decoder/num_heads", b"decoder/num_h\xff\xfeds"),
        model(NEEDED)[:30] + b"\xff" * 40,
    ],
    ids=["empty", "json", "cut short", "newer", "another model", "odd name", "garbage"],
)
def test_what_is_no_such_file_is_refused(file: Path, contents: bytes) -> None:
    file.write_bytes(contents)
    with pytest.raises(ConfigurationError, match="moderation models verify"):
        WhisperWeights(file)


def test_an_array_that_is_missing_is_named(file: Path) -> None:
    file.write_bytes(model(NEEDED))
    with pytest.raises(ConfigurationError, match="has no decoder/layer_0/attention"):
        WhisperWeights(file).float32("decoder/layer_0/attention/linear_1/weight")
