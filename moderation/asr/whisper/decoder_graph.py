"""Whisper's decoder as ONNX graphs.

Every matrix of weights is cut into blocks along its inputs, and each block has a scale of its own (`MatMulNBits` of
ONNX Runtime); what it is multiplied with is rounded to 8 bits by the same blocks.
"""

from collections.abc import Sequence

import numpy as np
from onnx import TensorProto

from moderation.asr.whisper.onnx_graph import BLOCK, CONTRIB, KEYS, VALUES, Graph, next_norm
from moderation.asr.whisper.weights import WhisperWeights


def keys_and_values(weights: WhisperWeights, *, widest: int) -> bytes:
    """What the cross attention of every layer looks at.

    `widest` is as for `Graph.linear_in_int8`. Input: `encoding` (1, seen, width). Outputs, for each layer n: `keys_n`
    (1, heads, width / heads, seen) and `values_n` (1, heads, seen, width / heads).
    """
    graph = Graph(weights)
    graph.input("encoding", [1, "seen", weights.width])
    rows = graph.rows_in_int8("encoding")
    for layer in range(weights.layers):
        path = f"decoder/layer_{layer}/attention/linear_1"
        both = graph.linear_in_int8(rows, *weights.linear(path), widest=widest)
        # What is looked at for every token lies the way the multiplication reads it.
        for kind, told, order in zip(("keys", "values"), graph.split(both, 2, axis=-1), (KEYS, VALUES), strict=True):
            graph.node("Transpose", [graph.in_heads(told)], perm=order, name=f"{kind}_{layer}")
            graph.output(f"{kind}_{layer}", [1, weights.heads, *_layout(graph.head, "seen", order.index(1))])
    return graph.serialized()


def step(weights: WhisperWeights, aligned_layers: Sequence[int]) -> bytes:
    """One token through all layers, for each of several texts of one length.

    Inputs: `token` (texts, 1, width), embedded and with its position; `keys_n` and `values_n` of `keys_and_values`;
    `emphasis` (1, 1, 1, seen), the logarithm of how often each position counts;
    `past_keys_n` (texts, heads, width / heads, tokens before) and `past_values_n` (texts, heads, tokens before, width /
    heads). Outputs: `state` (texts, 1, width); `queries` (texts, 1, layers * width), with which the layers that tell
    when a token was said asked their cross attention; `next_keys_n` and `next_values_n`.
    """
    graph = Graph(weights)
    graph.input("token", ["texts", 1, weights.width])
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
        normed, residual = graph.add_and_norm(residual, told, next_norm("decoder", layer, weights.layers))
        if layer in aligned_layers:
            queries.append(query)
    graph.node("Identity", [normed], name="state")
    graph.node("Concat", queries, axis=-1, name="queries")
    graph.output("state", ["texts", 1, weights.width])
    graph.output("queries", ["texts", 1, len(queries) * weights.width])
    return graph.serialized()


def choice(weights: WhisperWeights, suppressed: Sequence[int], choices: int) -> bytes:
    """Which tokens may follow, for each of several texts.

    Input: `state` (texts, 1, width). Outputs: `logits` (texts, 1, vocabulary and padding); `tokens` (texts, 1, choices)
    and their `probabilities`, without the tokens that are never said, the most probable first.
    """
    graph = Graph(weights)
    padding = -weights.vocabulary % BLOCK
    projection = np.pad(weights.float32("decoder/embeddings/weight"), ((0, padding), (0, 0)))
    never = np.zeros(len(projection), dtype=np.float32)
    never[weights.vocabulary :] = -np.inf
    never[list(suppressed)] = -np.inf
    graph.input("state", ["texts", 1, weights.width])
    logits = graph.linear("state", projection, None, name="logits")
    chances = graph.node("Softmax", [graph.node("Add", [logits, graph.constant(never)])], axis=-1)
    best = graph.nodes("TopK", [chances, graph.constant(np.array([choices]))], 2, axis=-1)
    for name, value in zip(("probabilities", "tokens"), best, strict=True):
        graph.node("Identity", [value], name=name)
    graph.output("logits", ["texts", 1, len(projection)])
    graph.output("tokens", ["texts", 1, choices], TensorProto.INT64)
    graph.output("probabilities", ["texts", 1, choices])
    return graph.serialized()


def _self_attention(graph: Graph, normed: str, layer: int) -> str:
    weights, path = graph.weights, f"decoder/layer_{layer}/self_attention"
    all_three = graph.linear(normed, *graph.self_attention_weights(path))
    query, key, value = graph.split(all_three, 3, axis=-1)
    keys = _longer(graph, f"keys_{layer}", graph.shaped(key, [0, weights.heads, graph.head, 1]), axis=3)
    values = _longer(graph, f"values_{layer}", graph.shaped(value, [0, weights.heads, 1, graph.head]), axis=2)
    told = _attention(graph, query, keys, values)
    return graph.linear(told, *weights.linear(f"{path}/linear_1"))


def _cross_attention(graph: Graph, normed: str, layer: int) -> tuple[str, str]:
    """The query, and what was told."""
    weights, path = graph.weights, f"decoder/layer_{layer}/attention"
    matrix, bias = weights.linear(f"{path}/linear_0")
    query = graph.linear(normed, matrix * graph.scale, bias * graph.scale)
    graph.input(f"keys_{layer}", [1, weights.heads, graph.head, "seen"])
    graph.input(f"values_{layer}", [1, weights.heads, "seen", graph.head])
    told = _attention(graph, query, f"keys_{layer}", f"values_{layer}", emphasis="emphasis")
    return query, graph.linear(told, *weights.linear(f"{path}/linear_2"))


def _longer(graph: Graph, name: str, new: str, *, axis: int) -> str:
    """What is remembered of the tokens so far: what was, and one more."""
    past, now, heads = f"past_{name}", f"next_{name}", graph.weights.heads
    graph.input(past, ["texts", heads, *_layout(graph.head, "before", axis)])
    graph.node("Concat", [past, new], axis=axis, name=now)
    graph.output(now, ["texts", heads, *_layout(graph.head, "so far", axis)])
    return now


def _layout(head: int, seen: str, axis: int) -> list[str | int]:
    """The last two axes of keys (`axis` 3) or values (`axis` 2)."""
    return [head, seen] if axis == 3 else [seen, head]


def _attention(graph: Graph, query: str, keys: str, values: str, *, emphasis: str | None = None) -> str:
    asked = graph.shaped(query, [0, graph.weights.heads, 1, graph.head])
    fits = graph.node("MatMul", [asked, keys])
    weighed = graph.node("Softmax", [graph.node("Add", [fits, emphasis]) if emphasis else fits], axis=-1)
    return graph.shaped(graph.node("MatMul", [weighed, values]), [0, 1, graph.weights.width])


def _feed_forward(graph: Graph, normed: str, path: str) -> str:
    wide = graph.linear(normed, *graph.weights.linear(f"{path}/ffn/linear_0"))
    bent = graph.node("Gelu", [wide], domain=CONTRIB)
    return graph.linear(bent, *graph.weights.linear(f"{path}/ffn/linear_1"))
