"""Silero VAD v6, laid out anew: `python -m moderation.audio.vad_graph` writes `silero_vad_v6.onnx` beside this file.

The network is the one that the package faster-whisper ships (github.com/snakers4/silero-vad, MIT licence): the same
weights, the same sums in another order. Probabilities differ by rounding, by 5e-6 at the most in 42,644 frames of
clean, quiet and noisy speech, none of which crossed a threshold for it.

Its convolutions run over four positions at the most, frame by frame: too little to compute at a time. Here each is one
product of a matrix with a row for every position of every frame; taps that only ever meet padding are left out. That
takes four tenths of the time (0.027 instead of 0.071 ms a frame, six at a time). A row of a product does not depend on
how many rows there are (tests hold it to that), so that how frames are spread over calls changes nothing.

    input (frames, 576) ─▶ 4 windows of 256, hop 128 ─▶ magnitudes of 129 frequencies
      ─▶ 128 channels at 4 positions ─▶ 64 at 2 ─▶ 64 at 1 ─▶ 128 at 1 ─▶ LSTM over the frames ─▶ probability

Needs the package onnx (`pip install 'voice-moderation[train]'`).
"""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from moderation.audio.vad import MODEL_FILE
from moderation.errors import ModelMissing

Weights = npt.NDArray[np.float32]

_ORIGINAL = "silero_vad_v6.onnx"
_OPSET, _IR_VERSION = 18, 8


def original_model() -> bytes:
    """The model as faster-whisper ships it.

    Raises:
        ModelMissing: the package is not installed, or not in this version.
    """
    # Found by name, not imported: importing faster_whisper would load its whole engine.
    package = importlib.util.find_spec("faster_whisper")
    for folder in (package.submodule_search_locations or ()) if package else ():
        model = Path(folder, "assets", _ORIGINAL)
        if model.is_file():
            return model.read_bytes()
    raise ModelMissing(
        f"the voice activity model {_ORIGINAL} is not installed; run `pip install 'faster-whisper>=1.2,<2'`"
    )


class _Graph:
    """Nodes and constants, as they are added."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, npt.NDArray[Any]] = {}

    def constant(self, values: npt.ArrayLike, dtype: type = np.float32) -> str:
        """A constant; its name."""
        name = f"constant_{len(self.constants)}"
        self.constants[name] = np.ascontiguousarray(values, dtype)
        return name

    def add(self, operator: str, *inputs: str, outputs: tuple[str, ...] = (), **attributes: Any) -> str:
        """A node; the name of its first output."""
        from onnx import helper  # noqa: PLC0415  only who builds the model needs the package

        named = outputs or (f"value_{len(self.nodes)}",)
        self.nodes.append(helper.make_node(operator, list(inputs), list(named), **attributes))
        return named[0]

    def reshape(self, values: str, *shape: int) -> str:
        return self.add("Reshape", values, self.constant(shape, np.int64))

    def pad(self, values: str, *before_and_after: int, mode: str = "constant") -> str:
        return self.add("Pad", values, self.constant(before_and_after, np.int64), mode=mode)

    def positions(self, values: str, first: int, end: int) -> str:
        """Of axis 1."""
        return self.add("Slice", values, *(self.constant([at], np.int64) for at in (first, end, 1)))

    def layer(self, rows: str, taps: Weights, bias: Weights) -> str:
        """Rows of concatenated positions through a convolution's taps (outputs, channels, positions), rectified."""
        matrix = np.concatenate([taps[:, :, at].T for at in range(taps.shape[2])])
        return self.add("Relu", self.add("Gemm", rows, self.constant(matrix), self.constant(bias)))


def build_model() -> bytes:
    """The model, from the original's weights.

    Raises:
        ModelMissing: see `original_model`.
    """
    import onnx  # noqa: PLC0415
    from onnx import numpy_helper  # noqa: PLC0415

    original = onnx.load_from_string(original_model())
    weights = {item.name: numpy_helper.to_array(item) for item in original.graph.initializer}
    graph = _Graph()
    _decode(graph, _encode(graph, weights), weights)
    return bytes(_serialised(graph))


def _encode(graph: _Graph, weights: dict[str, Weights]) -> str:
    """128 features of each frame."""

    def convolution(number: int) -> tuple[Weights, Weights]:
        name = f"encoder.conv_layers.{number}"
        return weights[f"{name}.weight"], weights[f"{name}.bias"]

    values = _magnitudes(graph, weights["encoder.feature_extractor.forward_basis_buffer"])
    padded = graph.pad(graph.reshape(values, -1, 4, 129), 0, 1, 0, 0, 1, 0)
    shifted = [graph.positions(padded, at, at + 4) for at in range(3)]
    values = graph.layer(graph.reshape(graph.add("Concat", *shifted, axis=2), -1, 387), *convolution(0))
    # Stride 2: the first output sees positions -1 to 1, the second 1 to 3.
    padded = graph.pad(graph.reshape(values, -1, 4, 128), 0, 1, 0, 0, 0, 0)
    strided = [graph.reshape(graph.positions(padded, at, at + 3), -1, 1, 384) for at in (0, 2)]
    values = graph.layer(graph.reshape(graph.add("Concat", *strided, axis=1), -1, 384), *convolution(1))
    # From here on the taps that lie before the first position, and then all but the middle one, meet padding.
    taps, bias = convolution(2)
    values = graph.layer(graph.reshape(values, -1, 128), taps[:, :, 1:], bias)
    taps, bias = convolution(3)
    return graph.layer(values, taps[:, :, 1:2], bias)


def _magnitudes(graph: _Graph, basis: Weights) -> str:
    """Short-time spectra, (4 x frames, 129). The original drops the first of five windows, and so its left padding."""
    hops = graph.reshape(graph.pad("input", 0, 0, 0, 64, mode="reflect"), -1, 5, 128)
    halves = [graph.positions(hops, at, at + 4) for at in range(2)]
    windows = graph.reshape(graph.add("Concat", *halves, axis=2), -1, 256)
    parts = graph.add("MatMul", windows, graph.constant(basis[:, 0, :].T))
    squares = graph.add("Mul", parts, parts)
    real = graph.add("Split", squares, graph.constant([129, 129], np.int64), outputs=("real", "imaginary"), axis=1)
    return graph.add("Sqrt", graph.add("Add", real, "imaginary"))


def _decode(graph: _Graph, features: str, weights: dict[str, Weights]) -> None:
    lstm = [graph.constant(weights[f"onnx::LSTM_{number}"]) for number in (209, 210, 211)]
    steps = graph.reshape(features, -1, 1, 128)
    heard = graph.add("LSTM", steps, *lstm, "", "h", "c", outputs=("heard", "hn", "cn"), hidden_size=128)
    rows = graph.add("Relu", graph.reshape(heard, -1, 128))
    weight, bias = (graph.constant(weights[f"decoder.conv1d.{name}"].reshape(-1)) for name in ("weight", "bias"))
    scores = graph.add("Gemm", rows, graph.reshape(weight, 128, 1), bias)
    graph.add("Reshape", graph.add("Sigmoid", scores), graph.constant([-1], np.int64), outputs=("speech_probs",))


def _serialised(graph: _Graph) -> bytes:
    import onnx  # noqa: PLC0415
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415

    def tensors(**shapes: list[Any]) -> list[Any]:
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]

    state = [1, 1, 128]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "silero_vad_v6",
            tensors(input=["frames", 576], h=state, c=state),
            tensors(speech_probs=["frames"], hn=state, cn=state),
            [numpy_helper.from_array(values, name) for name, values in graph.constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="voice-moderation",
        doc_string="Silero VAD v6 (github.com/snakers4/silero-vad, MIT licence), laid out anew",
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


if __name__ == "__main__":
    MODEL_FILE.write_bytes(build_model())
