"""Traced networks compute what the networks compute, with far fewer nodes."""

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from transformers import (
    AlbertConfig,
    AlbertForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from moderation.toxicity.onnx_graph import traced
from moderation.toxicity.onnx_int8 import rounding, use_int8

SIZES = {
    "vocab_size": 50,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "num_labels": 3,
    "initializer_range": 0.1,
}
NETWORKS = {
    "bert": lambda: BertForSequenceClassification(BertConfig(**SIZES)),
    "roberta": lambda: RobertaForSequenceClassification(RobertaConfig(**SIZES)),
    "albert": lambda: AlbertForSequenceClassification(AlbertConfig(**SIZES, embedding_size=32)),
}
"""The architectures of Detoxify's published checkpoints."""


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> torch.nn.Module:
    torch.manual_seed(5)
    return NETWORKS[request.param]().eval()


@pytest.mark.parametrize(("arithmetic", "tolerance"), [("float32", 1e-5), ("int8", 0.03)])
def test_a_traced_network_gives_the_same_scores(
    network: torch.nn.Module, tmp_path: Path, arithmetic: str, tolerance: float
) -> None:
    model = traced(network, fold=True)
    if arithmetic == "int8":
        assert use_int8(model, rounding(model.graph)) >= 4 * SIZES["num_hidden_layers"]
    onnx.save(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    for batch, tokens in ((1, 3), (1, 12), (3, 7)):
        ids = torch.randint(5, 50, (batch, tokens))
        with torch.no_grad():
            expected = torch.sigmoid(network(input_ids=ids).logits).numpy()
        assert np.abs(session.run(["scores"], {"input_ids": ids.numpy()})[0] - expected).max() < tolerance


def test_attention_is_a_single_node_without_a_mask(network: torch.nn.Module) -> None:
    graph = traced(network, fold=True).graph
    kinds = Counter(node.op_type for node in graph.node)
    assert [item.name for item in graph.input] == ["input_ids"]
    assert kinds["MultiHeadAttention"] == 2
    assert not kinds["Softmax"]


def test_only_keys_and_values_of_the_last_layer_are_of_all_tokens(network: torch.nn.Module) -> None:
    made = traced(network, fold=True)
    attention = [node for node in made.graph.node if node.op_type == "MultiHeadAttention"][-1]
    made.graph.output.extend(onnx.ValueInfoProto(name=name) for name in (*attention.input[:3], attention.output[0]))
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    _, *parts = session.run(None, {"input_ids": np.full((2, 9), 7)})
    assert [part.shape[1] for part in parts] == [1, 9, 9, 1]


def test_an_attention_of_another_form_is_refused() -> None:
    network = NETWORKS["bert"]()
    network.config.num_hidden_layers = 3
    with pytest.raises(ValueError, match="another form of attention"):
        traced(network, fold=True)
