"""Whisper's decoder as ONNX graphs with weights in 8 bits.

Every matrix of weights is cut into blocks along its inputs, and each block has a scale of its own (`MatMulNBits` of
ONNX Runtime); what it is multiplied with is rounded to 8 bits by the same blocks. Source of the architecture: Radford
et al. 2022, arXiv:2212.04356, section 2.2.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from moderation.asr.whisper.weights import WhisperWeights

BLOCK = 128
"""Weights that share a scale. Half as many take twice the time: most of what smaller blocks cost is not arithmetic."""

_LAYOUTS = ((0, 2, 3, 1), (0, 2, 1, 3))
"""From (1, seen, heads, width / heads), for keys and for values."""

_INT8_ARITHMETIC = 4
"""`accuracy_level`: what is multiplied with the weights is rounded to 8 bits too."""
_CONTRIB = "com.microsoft"
_EPSILON = 1e-5
_WIDEST_INT8 = 127
_ZERO_POINT = 128

Array = npt.NDArray[np.float32]


PROBE_SIDE = 64
LARGEST_SUM = PROBE_SIDE * 255 * _WIDEST_INT8


def probe() -> bytes:
    """The largest sum of products of whole numbers. Input: `rows` (1, 64), all 255. Output: `sums` (1, 64).

    x86 processors without VNNI add pairs of products in 16 bits, where it does not fit.
    """
    rows = helper.make_tensor_value_info("rows", TensorProto.UINT8, [1, PROBE_SIDE])
    sums = helper.make_tensor_value_info("sums", TensorProto.INT32, [1, PROBE_SIDE])
    matrix = numpy_helper.from_array(np.full((PROBE_SIDE, PROBE_SIDE), _WIDEST_INT8, dtype=np.int8), "matrix")
    return _serialized([helper.make_node("MatMulInteger", ["rows", "matrix"], ["sums"])], [rows], [sums], [matrix])


def keys_and_values(weights: WhisperWeights, silence: Array, *, sums_fit: bool) -> bytes:
    """What the cross attention of every layer looks at: an encoding, then silence.

    `silence` has shape (places, width); `sums_fit` is what `probe` shows. Inputs: `encoding` (1, positions, width) and
    `behind` (2,), from and up to which place of the silence follows it. Outputs, for each layer n: `keys_n` (1, heads,
    width / heads, seen) and `values_n` (1, heads, seen, width / heads).
    """
    graph = _Graph(weights)
    graph.input("encoding", [1, "positions", weights.width])
    graph.input("behind", [2], TensorProto.INT64)
    start, end = graph.split("behind", 2, axis=0)
    rows = graph.rows_in_int8("encoding") if sums_fit else None
    for layer in range(weights.layers):
        path = f"decoder/layer_{layer}/attention/linear_1"
        matrix, bias = weights.float32(f"{path}/weight"), weights.float32(f"{path}/bias")
        both = graph.linear_in_int8(rows, matrix, bias) if rows else graph.linear("encoding", matrix, bias)
        heard = graph.split(both, 2, axis=-1)
        # What is looked at for every token lies the way the multiplication reads it.
        for kind, told, unheard, order in zip(
            ("keys", "values"), heard, np.split(silence @ matrix.T + bias, 2, axis=-1), _LAYOUTS, strict=True
        ):
            axis = order.index(1)
            all_of_it = unheard.reshape(1, -1, weights.heads, graph.head).transpose(order)
            behind = graph.node("Slice", [graph.constant(all_of_it), start, end, graph.constant(np.array([axis]))])
            turned = graph.node("Transpose", [graph.in_heads(told)], perm=order)
            graph.node("Concat", [turned, behind], axis=axis, name=f"{kind}_{layer}")
            graph.output(f"{kind}_{layer}", [1, weights.heads, *_layout(graph.head, "seen", axis)])
    return graph.serialized()


def step(weights: WhisperWeights, aligned_layers: Sequence[int]) -> bytes:
    """One token through all layers.

    Inputs: `token` (1, 1, width), embedded and with its position; `keys_n` and `values_n` of `keys_and_values`;
    `emphasis` (1, 1, 1, seen), the logarithm of how often each position counts;
    `past_keys_n` (1, heads, width / heads, tokens before) and `past_values_n` (1, heads, tokens before, width /
    heads). Outputs: `state` (1, 1, width); `queries` (1, 1, layers * width), with which the layers that tell
    when a token was said asked their cross attention; `next_keys_n` and `next_values_n`.
    """
    graph = _Graph(weights)
    graph.input("token", [1, 1, weights.width])
    graph.input("emphasis", [1, 1, 1, "seen"])
    residual, queries = "token", []
    normed = graph.norm("token", "decoder/layer_0/self_attention/layer_norm")
    for layer in range(weights.layers):
        path = f"decoder/layer_{layer}"
        told = _self_attention(graph, normed, layer)
        normed, residual = graph.add_and_norm(residual, told, f"{path}/attention/layer_norm")
        query, told = _cross_attention(graph, normed, layer)
        normed, residual = graph.add_and_norm(residual, told, f"{path}/ffn/layer_norm")
        told = _feed_forward(graph, normed, path)
        is_last = layer == weights.layers - 1
        after = "decoder/layer_norm" if is_last else f"decoder/layer_{layer + 1}/self_attention/layer_norm"
        normed, residual = graph.add_and_norm(residual, told, after)
        if layer in aligned_layers:
            queries.append(query)
    graph.node("Identity", [normed], name="state")
    graph.node("Concat", queries, axis=-1, name="queries")
    graph.output("state", [1, 1, weights.width])
    graph.output("queries", [1, 1, len(queries) * weights.width])
    return graph.serialized()


def choice(weights: WhisperWeights, suppressed: Sequence[int]) -> bytes:
    """Which token follows.

    Input: `state` (1, 1, width). Outputs: `logits` (1, 1, vocabulary and padding), `best` (1, 1) and its
    `probability` (1, 1), both without the tokens that are never said.
    """
    graph = _Graph(weights)
    padding = -weights.vocabulary % BLOCK
    projection = np.pad(weights.float32("decoder/embeddings/weight"), ((0, padding), (0, 0)))
    never = np.zeros(len(projection), dtype=np.float32)
    never[weights.vocabulary :] = -np.inf
    never[list(suppressed)] = -np.inf
    graph.input("state", [1, 1, weights.width])
    logits = graph.linear("state", projection, None, name="logits")
    allowed = graph.node("Add", [logits, graph.constant(never)])
    chances = graph.node("Softmax", [allowed], axis=-1)
    graph.node("ArgMax", [allowed], axis=-1, keepdims=0, name="best")
    graph.node("ReduceMax", [chances, graph.constant(np.array([-1]))], keepdims=0, name="probability")
    graph.output("logits", [1, 1, len(projection)])
    graph.output("best", [1, 1], TensorProto.INT64)
    graph.output("probability", [1, 1])
    return graph.serialized()


def _self_attention(graph: "_Graph", normed: str, layer: int) -> str:
    weights, path = graph.weights, f"decoder/layer_{layer}/self_attention"
    matrix, bias = weights.float32(f"{path}/linear_0/weight"), weights.float32(f"{path}/linear_0/bias")
    matrix[: weights.width] *= graph.scale
    bias[: weights.width] *= graph.scale
    all_three = graph.linear(normed, matrix, bias)
    query, key, value = graph.split(all_three, 3, axis=-1)
    keys = _longer(graph, f"keys_{layer}", graph.shaped(key, [0, weights.heads, graph.head, 1]), axis=3)
    values = _longer(graph, f"values_{layer}", graph.shaped(value, [0, weights.heads, 1, graph.head]), axis=2)
    told = _attention(graph, query, keys, values)
    return graph.linear(told, weights.float32(f"{path}/linear_1/weight"), weights.float32(f"{path}/linear_1/bias"))


def _cross_attention(graph: "_Graph", normed: str, layer: int) -> tuple[str, str]:
    """The query, and what was told."""
    weights, path = graph.weights, f"decoder/layer_{layer}/attention"
    matrix, bias = weights.float32(f"{path}/linear_0/weight"), weights.float32(f"{path}/linear_0/bias")
    query = graph.linear(normed, matrix * graph.scale, bias * graph.scale)
    graph.input(f"keys_{layer}", [1, weights.heads, graph.head, "seen"])
    graph.input(f"values_{layer}", [1, weights.heads, "seen", graph.head])
    told = _attention(graph, query, f"keys_{layer}", f"values_{layer}", emphasis="emphasis")
    told = graph.linear(told, weights.float32(f"{path}/linear_2/weight"), weights.float32(f"{path}/linear_2/bias"))
    return query, told


def _longer(graph: "_Graph", name: str, new: str, *, axis: int) -> str:
    """What is remembered of the tokens so far: what was, and one more."""
    past, now, heads = f"past_{name}", f"next_{name}", graph.weights.heads
    graph.input(past, [1, heads, *_layout(graph.head, "before", axis)])
    graph.node("Concat", [past, new], axis=axis, name=now)
    graph.output(now, [1, heads, *_layout(graph.head, "so far", axis)])
    return now


def _layout(head: int, seen: str, axis: int) -> list[str | int]:
    """The last two axes of keys (`axis` 3) or values (`axis` 2)."""
    return [head, seen] if axis == 3 else [seen, head]


def _attention(graph: "_Graph", query: str, keys: str, values: str, *, emphasis: str | None = None) -> str:
    asked = graph.shaped(query, [0, graph.weights.heads, 1, graph.head])
    fits = graph.node("MatMul", [asked, keys])
    weighed = graph.node("Softmax", [graph.node("Add", [fits, emphasis]) if emphasis else fits], axis=-1)
    return graph.shaped(graph.node("MatMul", [weighed, values]), [0, 1, graph.weights.width])


def _feed_forward(graph: "_Graph", normed: str, path: str) -> str:
    weights = graph.weights
    wide = graph.linear(
        normed, weights.float32(f"{path}/ffn/linear_0/weight"), weights.float32(f"{path}/ffn/linear_0/bias")
    )
    bent = graph.node("Gelu", [wide], domain=_CONTRIB)
    return graph.linear(
        bent, weights.float32(f"{path}/ffn/linear_1/weight"), weights.float32(f"{path}/ffn/linear_1/bias")
    )


class _Rows(NamedTuple):
    """Names of values."""

    rounded: str
    scale: str
    zero: str
    largest: str


class _Graph:
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

    def norm(self, value: str, path: str) -> str:
        return self.node("LayerNormalization", [value, *self._norm(path)], axis=-1, epsilon=_EPSILON)

    def add_and_norm(self, residual: str, told: str, path: str) -> tuple[str, str]:
        """The normalised sum, and the sum."""
        inputs = [residual, told, *self._norm(path)]
        normed, _, _, total = self.nodes("SkipLayerNormalization", inputs, 4, domain=_CONTRIB, epsilon=_EPSILON)
        return normed, total

    def _norm(self, path: str) -> list[str]:
        return [self.constant(self.weights.float32(f"{path}/{name}")) for name in ("gamma", "beta")]

    def linear(self, value: str, matrix: Array, bias: Array | None, *, name: str | None = None) -> str:
        """`value` times the transposed `matrix` (outputs, inputs), plus `bias`."""
        outputs, inputs = matrix.shape
        blocks = matrix.reshape(outputs, inputs // BLOCK, BLOCK)
        scales = np.abs(blocks).max(axis=-1) / _WIDEST_INT8
        scales[scales == 0] = 1
        rounded = (np.rint(blocks / scales[..., None]) + _ZERO_POINT).astype(np.uint8)
        packed = [self.constant(rounded), self.constant(scales.reshape(-1))]
        biased = ["", "", self.constant(bias)] if bias is not None else []
        return self.node(
            "MatMulNBits",
            [value, *packed, *biased],
            name=name,
            domain=_CONTRIB,
            K=inputs,
            N=outputs,
            bits=8,
            block_size=BLOCK,
            accuracy_level=_INT8_ARITHMETIC,
        )

    def rows_in_int8(self, value: str) -> "_Rows":
        """Each row divided by its largest number and rounded to 8 bits, for `linear_in_int8`."""
        largest = self.node("ReduceMax", [self.node("Abs", [value]), self.constant(np.array([-1]))], keepdims=1)
        rounded, scale, zero = self.nodes("DynamicQuantizeLinear", [self.node("Div", [value, largest])], 3)
        return _Rows(rounded, scale, zero, largest)

    def linear_in_int8(self, rows: "_Rows", matrix: Array, bias: Array) -> str:
        """As `linear`; faster for hundreds of rows, with one scale for each row and each output."""
        scales = np.abs(matrix).max(axis=-1) / _WIDEST_INT8
        rounded = np.rint(matrix / scales[:, None]).astype(np.int8)
        packed = [self.constant(rounded.T), rows.scale, self.constant(scales), rows.zero]
        product = self.node("MatMulIntegerToFloat", [rows.rounded, *packed], domain=_CONTRIB)
        return self.node("Add", [self.node("Mul", [product, rows.largest]), self.constant(bias)])

    def serialized(self) -> bytes:
        return _serialized(self._nodes, self._inputs, self._outputs, self._constants)


def _serialized(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: list[onnx.TensorProto],
) -> bytes:
    graph = helper.make_graph(nodes, "whisper", inputs, outputs, constants)
    imports = [helper.make_opsetid("", 18), helper.make_opsetid(_CONTRIB, 1)]
    return bytes(helper.make_model(graph, opset_imports=imports, ir_version=10).SerializeToString())
