"""Products of whole numbers: what they compute, on rows that are easy, extreme or empty."""

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from moderation.toxicity.exact_sums import LARGEST_SUMS, are_exact
from moderation.toxicity.onnx_int8 import LEAST_COLUMNS, STEPS, rounding, use_int8

ROWS, COLUMNS = 48, 40


def model(weights: Any, *, kind: str = "MatMul", products: int = 1) -> Any:
    """`y = x W + b` some times over, summed."""
    columns = weights.shape[1]
    stored = weights.T if kind == "Gemm" else weights
    nodes = []
    for at in range(products):
        if kind == "Gemm":
            nodes.append(helper.make_node("Gemm", ["x", "w", "b"], [f"y{at}"], transB=1))
        else:
            nodes += [
                helper.make_node("MatMul", ["x", "w"], [f"p{at}"]),
                helper.make_node("Add", ["b", f"p{at}"], [f"y{at}"]),
            ]
    nodes.append(helper.make_node("Sum", [f"y{at}" for at in range(products)], ["y"]))
    graph = helper.make_graph(
        nodes,
        "products",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, weights.shape[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, columns])],
        [
            numpy_helper.from_array(np.ascontiguousarray(stored, np.float32), "w"),
            numpy_helper.from_array(np.arange(columns, dtype=np.float32), "b"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def run(made: Any, rows: Any) -> Any:
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["y"], {"x": np.asarray(rows, np.float32)})[0]


def by_hand(rows: Any, weights: Any) -> Any:
    largest = np.abs(rows).max(axis=1, keepdims=True)
    whole = np.rint(rows / largest * STEPS)
    scales = np.abs(weights).max(axis=0) / 127
    return (whole @ np.rint(weights / scales)) * scales * largest / STEPS + np.arange(weights.shape[1])


@pytest.mark.parametrize("kind", ["MatMul", "Gemm"])
def test_weights_are_rounded_by_column_and_activations_by_row(kind: str) -> None:
    rng = np.random.default_rng(1)
    weights, rows = rng.normal(size=(ROWS, COLUMNS)), rng.normal(size=(9, ROWS)) * np.logspace(-3, 3, 9)[:, None]
    made = model(weights, kind=kind)
    assert use_int8(made, rounding(made.graph)) == 1
    exact = rows @ weights + np.arange(COLUMNS)
    assert run(made, rows) == pytest.approx(by_hand(rows, weights), rel=1e-4, abs=1e-4)
    assert np.abs(run(made, rows) - exact).max() < 0.05 * np.abs(exact).max()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_rows_and_columns_without_variety_are_exact(sign: float) -> None:
    made = model(np.full((ROWS, COLUMNS), 0.5))
    use_int8(made, rounding(made.graph))
    assert run(made, np.full((3, ROWS), sign)) == pytest.approx(sign * ROWS / 2 + np.tile(np.arange(COLUMNS), (3, 1)))


def test_a_row_of_zeros_gives_the_bias() -> None:
    made = model(np.ones((ROWS, COLUMNS)))
    use_int8(made, rounding(made.graph))
    assert run(made, np.zeros((2, ROWS))).tolist() == [list(range(COLUMNS))] * 2


def test_a_row_gives_the_same_to_the_last_bit_whatever_stands_beside_it() -> None:
    rng = np.random.default_rng(2)
    made = model(rng.normal(size=(ROWS, COLUMNS)))
    use_int8(made, rounding(made.graph))
    rows = rng.normal(size=(13, ROWS))
    together = run(made, rows)
    assert all(np.array_equal(run(made, rows[at : at + 1])[0], together[at]) for at in range(len(rows)))


def test_few_columns_stay_in_float32() -> None:
    made = model(np.ones((ROWS, LEAST_COLUMNS - 1)))
    assert use_int8(made, rounding(made.graph)) == 0
    assert [node.op_type for node in made.graph.node] == ["MatMul", "Add", "Sum", "MatMulInteger"]


def test_the_graph_tells_whether_the_processor_adds_exactly() -> None:
    made = model(np.ones((ROWS, COLUMNS)))
    use_int8(made, rounding(made.graph))
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    (sums,) = session.run([LARGEST_SUMS], {"x": np.ones((1, ROWS), np.float32)})
    assert are_exact(sums) == (sums.min() == sums.max() == 64 * 255 * 127)
    assert not are_exact(np.minimum(sums, 32 * 32767))


def test_weights_and_activations_that_are_used_twice_are_rounded_once() -> None:
    made = model(np.ones((ROWS, COLUMNS)), products=2)
    assert use_int8(made, rounding(made.graph)) == 2
    kinds = [node.op_type for node in made.graph.node]
    assert (kinds.count("MatMulIntegerToFloat"), kinds.count("QuantizeLinear")) == (2, 1)
    assert [item.name for item in made.graph.initializer if item.name.startswith("w")] == ["w.int8", "w.scales"]
