"""Less work in a traced classifier: attention as one node, and a last layer for the first token alone.

Attention is ONNX Runtime's MultiHeadAttention. Its SkipLayerNormalization is left alone: it was slower than the sum and
the normalisation that it replaces. Needs the extra `train`.
"""

from typing import Any

import numpy as np
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


def keep_first_token(model: Any) -> None:
    """Compute the last layer for the first token alone, the only one that the head looks at.

    Keys and values are still those of all tokens. Call it after `fuse_attention`.
    """
    graph = model.graph
    wiring = Wiring(graph)
    last = [node for node in graph.node if node.op_type == "MultiHeadAttention"][-1]
    query, *others = (_product_behind(wiring, name) for name in last.input[:3])
    given = query.input[0]
    first = f"{given}.first"
    for taker in wiring.takers[given]:
        if taker not in others:
            taker.input[:] = [first if name == given else name for name in taker.input]
    names = {part: f"{first}.{part}" for part in ("start", "stop", "axis")}
    for part, value in (("start", 0), ("stop", 1), ("axis", 1)):
        graph.initializer.append(numpy_helper.from_array(np.array([value]), names[part]))
    cut = helper.make_node("Slice", [given, *names.values()], [first])
    graph.node.insert(next(at for at, node in enumerate(graph.node) if given in node.output) + 1, cut)


def _product_behind(wiring: Wiring, name: str) -> Any:
    added = wiring.made_by(name, "Add")
    names = added.input if added else [name]
    return next(product for product in (wiring.made_by(each, "MatMul") for each in names) if product)


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
