"""Looking around in an ONNX graph, and replacing nodes of it. Needs the extra `train`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from onnx import helper

CONTRIBUTED = "com.microsoft"
"""The domain of ONNX Runtime's own nodes."""


class Wiring:
    """Who makes and who takes each value of a graph."""

    def __init__(self, graph: Any) -> None:
        self.maker = {name: node for node in graph.node for name in node.output}
        self.takers: defaultdict[str, list[Any]] = defaultdict(list)
        for node in graph.node:
            for name in node.input:
                self.takers[name].append(node)

    def made_by(self, name: str, kind: str) -> Any | None:
        """The node of this kind that makes a value, or None."""
        node = self.maker.get(name)
        return node if node is not None and node.op_type == kind else None

    def only_taker(self, name: str, kind: str) -> Any | None:
        """The node of this kind that takes a value, if nothing else does."""
        takers = self.takers[name]
        return takers[0] if len(takers) == 1 and takers[0].op_type == kind else None


def rewrite(model: Any, replacing: Mapping[str, Sequence[Any]]) -> None:
    """Put nodes in the place of those that made the same values, and drop what no output needs any more.

    `replacing` maps a value to the nodes that make it from now on, the last of them under its name.
    """
    graph = model.graph
    _replace(graph, replacing)
    _prune(graph)
    if all(item.domain != CONTRIBUTED for item in model.opset_import):
        model.opset_import.append(helper.make_opsetid(CONTRIBUTED, 1))


def _replace(graph: Any, replacing: Mapping[str, Sequence[Any]]) -> None:
    nodes: list[Any] = []
    for node in graph.node:
        nodes.extend(next((replacing[name] for name in node.output if name in replacing), [node]))
    _keep(graph.node, nodes)


def _prune(graph: Any) -> None:
    needed = {item.name for item in graph.output}
    kept: list[Any] = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    _keep(graph.node, reversed(kept))
    _keep(graph.initializer, [item for item in graph.initializer if item.name in needed])
    _keep(graph.input, [item for item in graph.input if item.name in needed])


def _keep(field: Any, items: Iterable[Any]) -> None:
    kept = list(items)
    del field[:]
    field.extend(kept)
