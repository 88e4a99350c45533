"""ONNX graphs of Whisper's layers with weights in 8 bits, as they are being built.

Source of the architecture: Radford et al. 2022, arXiv:2212.04356, section 2.2.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from moderation.asr.whisper.weights import WhisperWeights

BLOCK = 128
"""Weights that share a scale. Half as many take twice the time: most of what smaller blocks cost is not arithmetic."""

QUERIES = VALUES = (0, 2, 1, 3)
KEYS = (0, 2, 3, 1)
"""From (1, positions, heads, width / heads): how they lie for multiplication."""

WIDEST_INT8 = 127
WIDEST_INT7 = 63
"""What weights are rounded to where sums of two products must fit 16 bits (`onnx_session.widest_weight`)."""

CONTRIB = "com.microsoft"
_INT8_ARITHMETIC = 4
"""`accuracy_level`: what is multiplied with the weights is rounded to 8 bits too."""
_EPSILON = 1e-5
_ZERO_POINT = 128
_LEAST_DIVISOR = 1e-12
_OPSET, _IR_VERSION = 18, 10

Array = npt.NDArray[np.float32]


def next_norm(part: str, layer: int, layers: int) -> str:
    """Where the normalisation behind a layer of the encoder or decoder stands: the next layer's first, or the last."""
    return f"{part}/layer_norm" if layer == layers - 1 else f"{part}/layer_{layer + 1}/self_attention/layer_norm"


class Rows(NamedTuple):
    """Names of values."""

    rounded: str
    scale: str
    zero: str
    divisor: str


class Graph:
    """An ONNX graph that is being built; values are named by numbers unless they have a name."""

    def __init__(self, weights: WhisperWeights) -> None:
        self.weights = weights
        self.head = weights.width // weights.heads
        self.scale = np.float32(self.head**-0.5)
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._shapes: dict[tuple[int, ...], str] = {}

    def input(self, name: str, shape: list[str | int], kind: int = TensorProto.FLOAT) -> None:
        self._inputs.append(helper.make_tensor_value_info(name, kind, shape))

    def output(self, name: str, shape: list[str | int], kind: int = TensorProto.FLOAT) -> None:
        self._outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def constant(self, values: npt.NDArray[np.generic]) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, operator: str, inputs: list[str], *, name: str | None = None, **how: object) -> str:
        """Add an operator with one output; returns its name."""
        output = name or f"value_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [output], **how))
        return output

    def nodes(self, operator: str, inputs: list[str], outputs: int, **how: object) -> list[str]:
        """Add an operator with several outputs; returns their names."""
        names = [f"value_{len(self._nodes)}_{number}" for number in range(outputs)]
        self._nodes.append(helper.make_node(operator, inputs, names, **how))
        return names

    def split(self, value: str, parts: int, *, axis: int) -> list[str]:
        return self.nodes("Split", [value], parts, axis=axis, num_outputs=parts)

    def shaped(self, value: str, shape: list[int]) -> str:
        key = tuple(shape)
        if key not in self._shapes:
            self._shapes[key] = self.constant(np.array(shape, dtype=np.int64))
        return self.node("Reshape", [value, self._shapes[key]])

    def in_heads(self, value: str) -> str:
        return self.shaped(value, [0, -1, self.weights.heads, self.head])

    def self_attention_weights(self, path: str) -> tuple[Array, Array]:
        """What makes queries, keys and values of a layer's input; queries come out scaled."""
        matrix, bias = self.weights.linear(f"{path}/linear_0")
        matrix[: self.weights.width] *= self.scale
        bias[: self.weights.width] *= self.scale
        return matrix, bias

    def norm(self, value: str, path: str) -> str:
        return self.node("LayerNormalization", [value, *self._norm(path)], axis=-1, epsilon=_EPSILON)

    def add_and_norm(self, residual: str, told: str, path: str) -> tuple[str, str]:
        """The normalised sum, and the sum."""
        inputs = [residual, told, *self._norm(path)]
        normed, _, _, total = self.nodes("SkipLayerNormalization", inputs, 4, domain=CONTRIB, epsilon=_EPSILON)
        return normed, total

    def add_and_norm_rows(self, residual: str, told: str, path: str) -> tuple[str, str]:
        """The same for many rows: ONNX Runtime's operator for both at once takes eight times as long there."""
        total = self.node("Add", [residual, told])
        return self.norm(total, path), total

    def _norm(self, path: str) -> list[str]:
        return [self.constant(self.weights.float32(f"{path}/{name}")) for name in ("gamma", "beta")]

    def linear(self, value: str, matrix: Array, bias: Array | None, *, name: str | None = None) -> str:
        """`value` times the transposed `matrix` (outputs, inputs), plus `bias`."""
        outputs, inputs = matrix.shape
        blocks = matrix.reshape(outputs, inputs // BLOCK, BLOCK)
        scales = np.abs(blocks).max(axis=-1) / WIDEST_INT8
        scales[scales == 0] = 1
        rounded = (np.rint(blocks / scales[..., None]) + _ZERO_POINT).astype(np.uint8)
        packed = [self.constant(rounded), self.constant(scales.reshape(-1))]
        biased = ["", "", self.constant(bias)] if bias is not None else []
        return self.node(
            "MatMulNBits",
            [value, *packed, *biased],
            name=name,
            domain=CONTRIB,
            K=inputs,
            N=outputs,
            bits=8,
            block_size=BLOCK,
            accuracy_level=_INT8_ARITHMETIC,
        )

    def rows_in_int8(self, value: str) -> "Rows":
        """Each row divided by its largest number and rounded to 8 bits, for `linear_in_int8`."""
        largest = self.node("ReduceMax", [self.node("Abs", [value]), self.constant(np.array([-1]))], keepdims=1)
        divisor = self.node("Max", [largest, self.constant(np.array(_LEAST_DIVISOR, np.float32))])
        rounded, scale, zero = self.nodes("DynamicQuantizeLinear", [self.node("Div", [value, divisor])], 3)
        return Rows(rounded, scale, zero, divisor)

    def linear_in_int8(self, rows: "Rows", matrix: Array, bias: Array, *, widest: int) -> str:
        """As `linear`; faster for hundreds of rows, with one scale for each row and each output.

        `widest` is the largest weight when rounded: WIDEST_INT8 or WIDEST_INT7.
        """
        scales = np.abs(matrix).max(axis=-1) / widest
        scales[scales == 0] = 1
        rounded = np.rint(matrix / scales[:, None]).astype(np.int8)
        packed = [self.constant(rounded.T), rows.scale, self.constant(scales), rows.zero]
        product = self.node("MatMulIntegerToFloat", [rows.rounded, *packed], domain=CONTRIB)
        return self.node("Add", [self.node("Mul", [product, rows.divisor]), self.constant(bias)])

    def serialized(self) -> bytes:
        return serialized(self._nodes, self._inputs, self._outputs, self._constants)


def serialized(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: list[onnx.TensorProto],
) -> bytes:
    """A model of these nodes."""
    graph = helper.make_graph(nodes, "whisper", inputs, outputs, constants)
    imports = [helper.make_opsetid("", _OPSET), helper.make_opsetid(CONTRIB, 1)]
    return bytes(helper.make_model(graph, opset_imports=imports, ir_version=_IR_VERSION).SerializeToString())
