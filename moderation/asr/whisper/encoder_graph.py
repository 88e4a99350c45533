"""Whisper's encoder as an ONNX graph, for audio with much silence behind it.

The silence is not encoded position by position: all of it looks the same to the convolutions. Only some places of it
pass through the layers, each with the encoding of its own position, and attention counts each as often as there are
positions that it stands for. That is near enough to all of them: silent positions look at their neighbours, so that
what becomes of the places differs, but speech takes little from them.
"""

import numpy as np
from onnx import TensorProto

from moderation.asr.whisper.onnx_graph import CONTRIB, KEYS, QUERIES, VALUES, Graph, next_norm
from moderation.asr.whisper.weights import WhisperWeights

SILENT_FRAMES = 4
"""Frames of silence that must follow the heard positions: what the convolutions see around the first silent one."""


def encoder(weights: WhisperWeights, *, widest: int) -> bytes:
    """All layers over what was heard and over places of the silence behind it.

    `widest` is as for `Graph.linear_in_int8`. Inputs: `spectrogram` (1, mels, 2 * positions + SILENT_FRAMES) of which
    the last frames are silent; `positions` (1,), how many are heard; `places` (n,), which positions stand for the
    silence; `emphasis` (1, 1, 1, seen), the logarithm of how often each one that is seen counts, heard ones first.
    Output: `encoding` (1, seen, width).
    """
    graph = Graph(weights)
    graph.input("spectrogram", [1, weights.mels, "frames"])
    graph.input("positions", [1], TensorProto.INT64)
    graph.input("places", ["places"], TensorProto.INT64)
    graph.input("emphasis", [1, 1, 1, "seen"])
    residual = _seen(graph)
    normed = graph.norm(residual, "encoder/layer_0/self_attention/layer_norm")
    for layer in range(weights.encoder_layers):
        path = f"encoder/layer_{layer}"
        told = _attention(graph, normed, f"{path}/self_attention", widest)
        normed, residual = graph.add_and_norm_rows(residual, told, f"{path}/ffn/layer_norm")
        wide = graph.node("Gelu", [_linear(graph, normed, f"{path}/ffn/linear_0", widest)], domain=CONTRIB)
        told = _linear(graph, wide, f"{path}/ffn/linear_1", widest)
        normed, residual = graph.add_and_norm_rows(residual, told, next_norm("encoder", layer, weights.encoder_layers))
    graph.node("Identity", [normed], name="encoding")
    graph.output("encoding", [1, "seen", weights.width])
    return graph.serialized()


def _seen(graph: Graph) -> str:
    """What enters the layers: the heard positions, then the places of silence."""
    folded = _convolution(graph, _convolution(graph, "spectrogram", 1), 2)
    by_position = graph.node("Transpose", [folded], perm=[0, 2, 1])
    encodings = graph.constant(graph.weights.float32("encoder/position_encodings/encodings")[None])
    start, one = (graph.constant(np.array([number])) for number in (0, 1))
    heard = graph.node("Slice", [by_position, start, "positions", one])
    silence = graph.node("Slice", [by_position, "positions", graph.node("Add", ["positions", one]), one])
    there = graph.node("Slice", [encodings, start, "positions", one])
    behind = graph.node("Gather", [encodings, "places"], axis=1)
    parts = [graph.node("Add", [heard, there]), graph.node("Add", [silence, behind])]
    return graph.node("Concat", parts, axis=1)


def _convolution(graph: Graph, value: str, number: int) -> str:
    """The second one goes two frames on for each position."""
    constants = [graph.constant(graph.weights.float32(f"encoder/conv{number}/{name}")) for name in ("weight", "bias")]
    folded = graph.node("Conv", [value, *constants], kernel_shape=[3], pads=[1, 1], strides=[number])
    return graph.node("Gelu", [folded], domain=CONTRIB)


def _attention(graph: Graph, normed: str, path: str, widest: int) -> str:
    all_three = graph.linear_in_int8(graph.rows_in_int8(normed), *graph.self_attention_weights(path), widest=widest)
    query, key, value = (
        graph.node("Transpose", [graph.in_heads(part)], perm=order)
        for part, order in zip(graph.split(all_three, 3, axis=-1), (QUERIES, KEYS, VALUES), strict=True)
    )
    fits = graph.node("Add", [graph.node("MatMul", [query, key]), "emphasis"])
    told = graph.node("MatMul", [graph.node("Softmax", [fits], axis=-1), value])
    joined = graph.shaped(graph.node("Transpose", [told], perm=QUERIES), [0, -1, graph.weights.width])
    return _linear(graph, joined, f"{path}/linear_1", widest)


def _linear(graph: Graph, value: str, path: str, widest: int) -> str:
    return graph.linear_in_int8(graph.rows_in_int8(value), *graph.weights.linear(path), widest=widest)
