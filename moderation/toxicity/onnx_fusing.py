"""Fewer nodes in a traced classifier: each attention one, each normalisation with its sum one. Needs the extra `train`.

The nodes are ONNX Runtime's own: MultiHeadAttention and SkipLayerNormalization.
"""

from typing import Any

from onnx import helper, numpy_helper

from moderation.toxicity.onnx_editing import CONTRIBUTED, Wiring, rewrite


def fuse_attention(model: Any, heads: int) -> int:
    """Make each attention one node, and leave the mask out: windows are never padded. Returns how many there were.

    `softmax(q k^T * scale + mask) v` with its reshaping becomes ONNX Runtime's MultiHeadAttention; what only made the
    mask goes, with the input `attention_mask`.
    """
    graph = model.graph
    wiring = Wiring(graph)
    fused = {node.output[0]: [node] for node in (_fused(graph, wiring, each, heads) for each in graph.node) if node}
    rewrite(model, fused)
    return len(fused)


def _fused(graph: Any, wiring: Wiring, softmax: Any, heads: int) -> Any | None:
    if softmax.op_type != "Softmax":
        return None
    scaled = _without_mask(wiring, softmax.input[0])
    scores = wiring.made_by(scaled.input[0], "MatMul") if scaled else None
    mixed = wiring.only_taker(softmax.output[0], "MatMul")
    if scaled is None or scores is None or mixed is None:
        return None
    query, key, value = (_before_heads(wiring, name) for name in (*scores.input, mixed.input[1]))
    turned = wiring.only_taker(mixed.output[0], "Transpose")
    joined = wiring.only_taker(turned.output[0], "Reshape") if turned else None
    if not (query and key and value and joined):
        return None
    return helper.make_node(
        "MultiHeadAttention",
        [query, key, value],
        [joined.output[0]],
        name=softmax.name,
        domain=CONTRIBUTED,
        num_heads=heads,
        scale=_constant(graph, wiring, scaled.input[1]),
    )


def _without_mask(wiring: Wiring, name: str) -> Any | None:
    masked = wiring.made_by(name, "Add")
    candidates = masked.input if masked else [name]
    return next(filter(None, (wiring.made_by(each, "Mul") for each in candidates)), None)


def _before_heads(wiring: Wiring, name: str) -> str | None:
    turned = wiring.made_by(name, "Transpose")
    parted = wiring.made_by(turned.input[0], "Reshape") if turned else None
    return str(parted.input[0]) if parted else None


def _constant(graph: Any, wiring: Wiring, name: str) -> float:
    node = wiring.made_by(name, "Constant")
    tensor = node.attribute[0].t if node else next(item for item in graph.initializer if item.name == name)
    return float(numpy_helper.to_array(tensor))


def fuse_normalisation(model: Any) -> int:
    """Make each normalisation and the sum of a product and what it is added to one node; returns how many."""
    graph = model.graph
    wiring = Wiring(graph)
    fused = {node.output[0]: [node] for node in (_normalised(wiring, each) for each in graph.node) if node}
    rewrite(model, fused)
    return len(fused)


def _normalised(wiring: Wiring, normalisation: Any) -> Any | None:
    if normalisation.op_type != "LayerNormalization":
        return None
    added = wiring.made_by(normalisation.input[0], "Add")
    if added is None or len(wiring.takers[added.output[0]]) != 1:
        return None
    if not any(_is_biased_product(wiring, name) for name in added.input):
        return None
    epsilon = next(part.f for part in normalisation.attribute if part.name == "epsilon")
    return helper.make_node(
        "SkipLayerNormalization",
        [*added.input, *normalisation.input[1:]],
        normalisation.output[:1],
        name=normalisation.name,
        domain=CONTRIBUTED,
        epsilon=epsilon,
    )


def _is_biased_product(wiring: Wiring, name: str) -> bool:
    added = wiring.made_by(name, "Add")
    return added is not None and any(wiring.made_by(each, "MatMul") for each in added.input)
