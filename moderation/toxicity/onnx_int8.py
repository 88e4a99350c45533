"""Matrix products of a traced classifier in int8. Needs the extra `train`.

Each row of activations, which is one token, is rounded with a scale of its own, and sums of whole numbers are exact. So
a text's scores do not depend on what it is scored with, where ONNX Runtime's dynamic quantisation gives all texts of a
batch one scale. Products are ONNX Runtime's MatMulIntegerToFloat.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from moderation.toxicity.exact_sums import LARGEST_SUMS
from moderation.toxicity.onnx_editing import CONTRIBUTED, Wiring, rewrite

STEPS = 127
"""Weights and activations become whole numbers from -STEPS to STEPS."""

LEAST_COLUMNS = 32
"""Products with fewer columns stay in float32: the head, whose few rows cost nothing."""

_SMALLEST = 1e-30
_PROBE_ROWS, _PROBE_SIDE = 4, 64

_Node = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Int8Weights:
    """The right operand of a product: the names of int8[rows, columns] and float32[columns], and what makes them."""

    values: str
    scales: str
    made_by: tuple[_Node, ...] = ()


FindWeights = Callable[[str], Int8Weights | None]
"""The int8 form of the value of this name, if it is weights that suit."""


def use_int8(model: Any, find_weights: FindWeights) -> int:
    """Make the products with weights products of whole numbers; returns how many.

    The graph gets a second output, LARGEST_SUMS, by which `moderation.toxicity.exact_sums` judges a processor.
    """
    graph = model.graph
    replacing: dict[str, list[_Node]] = {}
    rounded: set[str] = set()
    for node in graph.node:
        weights = find_weights(node.input[1]) if node.op_type in {"MatMul", "Gemm"} else None
        if weights:
            given = node.input[0]
            rounding = [] if given in rounded else _round(given)
            rounded.add(given)
            replacing[node.output[0]] = [*weights.made_by, *rounding, *_multiply(node, weights)]
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.float32(_SMALLEST), "int8.smallest"),
            numpy_helper.from_array(np.float32(1 / STEPS), "int8.step"),
            numpy_helper.from_array(np.uint8(STEPS + 1), "int8.zero"),
        ]
    )
    _probe(graph)
    rewrite(model, replacing)
    return len(replacing)


def _probe(graph: Any) -> None:
    graph.initializer.append(numpy_helper.from_array(np.full((_PROBE_ROWS, _PROBE_SIDE), 255, np.uint8), "probe.rows"))
    graph.initializer.append(
        numpy_helper.from_array(np.full((_PROBE_SIDE, _PROBE_SIDE), 127, np.int8), "probe.weights")
    )
    graph.node.append(helper.make_node("MatMulInteger", ["probe.rows", "probe.weights"], [LARGEST_SUMS]))
    shape = [_PROBE_ROWS, _PROBE_SIDE]
    graph.output.append(helper.make_tensor_value_info(LARGEST_SUMS, TensorProto.INT32, shape))


def _round(given: str) -> list[_Node]:
    """`given.int8` and `given.largest`, of which the product is the rows that are meant."""
    names = {part: f"{given}.{part}" for part in ("size", "peak", "largest", "share", "int8")}
    return [
        helper.make_node("Abs", [given], [names["size"]]),
        helper.make_node("ReduceMax", [names["size"]], [names["peak"]], axes=[-1], keepdims=1),
        helper.make_node("Max", [names["peak"], "int8.smallest"], [names["largest"]]),
        helper.make_node("Div", [given, names["largest"]], [names["share"]]),
        helper.make_node("QuantizeLinear", [names["share"], "int8.step", "int8.zero"], [names["int8"]]),
    ]


def _multiply(product: _Node, weights: Int8Weights) -> list[_Node]:
    given, out = product.input[0], product.output[0]
    bias = product.input[2] if len(product.input) > 2 else None
    whole, scaled = f"{out}.shares", f"{out}.unbiased" if bias else out
    return [
        helper.make_node(
            "MatMulIntegerToFloat",
            [f"{given}.int8", weights.values, "int8.step", weights.scales, "int8.zero"],
            [whole],
            name=product.name,
            domain=CONTRIBUTED,
        ),
        helper.make_node("Mul", [whole, f"{given}.largest"], [scaled]),
        *([helper.make_node("Add", [scaled, bias], [out])] if bias else []),
    ]


def rounding(graph: Any) -> FindWeights:
    """For a graph with float32 weights: rounds them to int8 with a scale a column, into new initialisers."""
    wiring = Wiring(graph)
    floats = {item.name: item for item in graph.initializer if item.data_type == TensorProto.FLOAT}
    found: dict[str, Int8Weights] = {}

    def find(name: str) -> Int8Weights | None:
        turned = wiring.made_by(name, "Transpose")
        stored = turned.input[0] if turned else name
        if name not in found and stored in floats and len(floats[stored].dims) == 2:
            matrix = numpy_helper.to_array(floats[stored])
            matrix = matrix.T if turned or _is_taken_turned(wiring, name) else matrix
            if matrix.shape[1] >= LEAST_COLUMNS:
                found[name] = _rounded(graph, name, matrix)
        return found.get(name)

    return find


def _rounded(graph: Any, name: str, matrix: Any) -> Int8Weights:
    scales = np.maximum(np.abs(matrix).max(axis=0) / 127, _SMALLEST).astype(np.float32)
    values = np.rint(matrix / scales).astype(np.int8)
    weights = Int8Weights(values=f"{name}.int8", scales=f"{name}.scales")
    graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(values), weights.values))
    graph.initializer.append(numpy_helper.from_array(scales, weights.scales))
    return weights


def _is_taken_turned(wiring: Wiring, name: str) -> bool:
    gemms = (node for node in wiring.takers[name] if node.op_type == "Gemm")
    return any(part.name == "transB" and part.i for node in gemms for part in node.attribute)


def converting(graph: Any, scale_suffix: str) -> FindWeights:
    """For a graph that restores stored weights, int8 with a scale a row under `name` + suffix: takes them as they are.

    They are turned when the graph is loaded, so that they are stored once.
    """
    wiring = Wiring(graph)
    stored = {item.name: item for item in graph.initializer if item.data_type == TensorProto.INT8}

    def find(name: str) -> Int8Weights | None:
        turned = wiring.made_by(name, "Transpose")
        restored = wiring.made_by(turned.input[0] if turned else name, "Mul")
        as_float = wiring.made_by(restored.input[0], "Cast") if restored else None
        if as_float is None or as_float.input[0] not in stored:
            return None
        weights = as_float.input[0]
        if stored[weights].dims[0] < LEAST_COLUMNS:
            return None
        values, scales, flat = f"{weights}.turned", f"{weights}.scales", f"{weights}.flat"
        nodes = (
            helper.make_node("Transpose", [weights], [values], perm=[1, 0]),
            helper.make_node("Constant", [], [flat], value=numpy_helper.from_array(np.array([-1]))),
            helper.make_node("Reshape", [weights + scale_suffix, flat], [scales]),
        )
        return Int8Weights(values=values, scales=scales, made_by=nodes)

    return find
