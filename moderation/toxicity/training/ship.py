"""The form that ships: int8 weights in a safetensors file, and ONNX graphs that read them from there.

Weights are rounded to int8 with one scale a row. One graph computes with them in float32, with exact parity with
Detoxify, which reads the same file; the other in int8, with activations rounded row by row. In neither
do scores depend on what else is in the batch.
"""

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import TensorProto, helper
from safetensors.torch import save_file
from tokenizers import Tokenizer

from moderation.toxicity.classifier import LABELS
from moderation.toxicity.compact import COMPACT_MODEL, SCALE_SUFFIX, WEIGHTS_FILE, restored
from moderation.toxicity.manifest import TOKENIZER_FILE, Manifest, model_file
from moderation.toxicity.onnx_graph import traced
from moderation.toxicity.onnx_int8 import converting, use_int8
from moderation.toxicity.training.network import TOKENIZER_CONFIG

_PREFIX = "classifier."
_TYPES = {"I8": TensorProto.INT8, "F32": TensorProto.FLOAT}


def quantised(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Matrices as int8 with a float32 scale a row (`name` + `.scale`), the rest unchanged. Zero rows stay zero."""
    result: dict[str, torch.Tensor] = {}
    for name, tensor in state.items():
        if tensor.ndim != 2 or not tensor.is_floating_point():
            result[name] = tensor.contiguous()
            continue
        scale = (tensor.abs().amax(dim=1, keepdim=True) / 127).clamp(min=1e-12)
        result[name] = (tensor / scale).round().clamp(-127, 127).to(torch.int8).contiguous()
        result[name + SCALE_SUFFIX] = scale.float().contiguous()
    return result


def ship(model: Any, tokenizer: Tokenizer, folder: Path, version: str) -> None:
    """Write everything that the runtime needs into `folder`; the model keeps the rounded weights afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    stored = quantised({name: tensor for name, tensor in model.state_dict().items() if "position_ids" not in name})
    save_file(stored, folder / WEIGHTS_FILE)
    model.load_state_dict(restored(stored), strict=False)
    graph = traced(model, fold=False)
    _refer_to_weights(graph.graph, folder / WEIGHTS_FILE)
    onnx.save(graph, folder / model_file("float32"))
    use_int8(graph, converting(graph.graph, SCALE_SUFFIX))
    onnx.save(graph, folder / model_file("int8"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.save(str(folder / TOKENIZER_FILE), pretty=False)
    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(folder)
    (folder / "tokenizer_config.json").write_text(json.dumps(TOKENIZER_CONFIG, indent=2) + "\n", encoding="utf-8")
    Manifest(
        id=COMPACT_MODEL,
        version=version,
        classes=LABELS,
        languages=("en",),
        max_positions=model.config.max_position_embeddings,
        sha256=hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest(),
    ).write(folder)


def _refer_to_weights(graph: Any, weights: Path) -> None:
    """Replace the initialisers by tensors in `weights` (ONNX external data) and the nodes that restore their scale."""
    content = weights.read_bytes()
    (header_bytes,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + header_bytes])
    stored_names = {item.name for item in graph.initializer if item.name.removeprefix(_PREFIX) in header}
    kept = [item for item in graph.initializer if item.name not in stored_names]
    if any(len(item.raw_data) > 4096 for item in kept):
        raise ValueError("the traced graph holds weights that the state dict does not name")
    nodes = []
    tensors = list(kept)
    for full in sorted(stored_names):
        for name in (full, full + SCALE_SUFFIX):
            entry = header.get(name.removeprefix(_PREFIX))
            if entry:
                tensors.append(_external(name, entry, 8 + header_bytes, weights.name))
        if full.removeprefix(_PREFIX) + SCALE_SUFFIX in header:
            nodes += _restore(graph, full)
    merged = [*nodes, *graph.node]
    del graph.node[:]
    graph.node.extend(merged)
    del graph.initializer[:]
    graph.initializer.extend(tensors)


def _restore(graph: Any, name: str) -> list[Any]:
    """Nodes in front of the graph that turn int8 into float; for a looked-up table, after the look-up instead."""
    lookups = [node for node in graph.node if node.op_type == "Gather" and node.input[0] == name]
    if not lookups:
        as_float = helper.make_node("Cast", [name], [f"{name}.float"], to=TensorProto.FLOAT)
        scaled = helper.make_node("Mul", [f"{name}.float", name + SCALE_SUFFIX], [f"{name}.restored"])
        for node in graph.node:
            for at, given in enumerate(node.input):
                if given == name:
                    node.input[at] = f"{name}.restored"
        return [as_float, scaled]
    for node in lookups:
        _restore_after_lookup(graph, node, name)
    return []


def _restore_after_lookup(graph: Any, lookup: Any, name: str) -> None:
    at = list(graph.node).index(lookup)
    out = lookup.output[0]
    lookup.output[0] = f"{out}.int8"
    after = [
        helper.make_node("Cast", [f"{out}.int8"], [f"{out}.float"], to=TensorProto.FLOAT),
        helper.make_node("Gather", [name + SCALE_SUFFIX, lookup.input[1]], [f"{out}.scale"], axis=0),
        helper.make_node("Mul", [f"{out}.float", f"{out}.scale"], [out]),
    ]
    for offset, node in enumerate(after, 1):
        graph.node.insert(at + offset, node)


def _external(name: str, entry: Mapping[str, Any], start: int, file: str) -> Any:
    first, last = entry["data_offsets"]
    tensor = TensorProto(name=name, data_type=_TYPES[entry["dtype"]], dims=entry["shape"])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", file), ("offset", start + first), ("length", last - first)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor
