"""The training loop and the form that ships, on a network of a few thousand weights."""

import json
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest
import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertForSequenceClassification

from moderation.toxicity.classifier import LABELS
from moderation.toxicity.compact import WEIGHTS_FILE, restored
from moderation.toxicity.manifest import Arithmetic, model_file
from moderation.toxicity.onnx_classifier import OnnxClassifier
from moderation.toxicity.training.loop import Recipe, train
from moderation.toxicity.training.rows import Row, benign, labelled
from moderation.toxicity.training.ship import quantised, ship
from moderation.toxicity.training.vocabulary_trim import SPECIAL, trim_embeddings, trimmed

WORDS = ["good", "bad", "day", "you", "are"]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads cost more than they give on a network this small, and much more on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def full_tokenizer() -> dict[str, object]:
    vocabulary = {token: at for at, token in enumerate([*WORDS, *SPECIAL, "[unused1]", "\u65e5", "caf\u00e9", "##s"])}
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    added = [{"id": vocabulary[token], "content": token, "special": True, **flags} for token in SPECIAL]
    parts: list[dict[str, dict[str, object]]] = [
        {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
    ]
    special = {t: {"id": t, "ids": [vocabulary[t]], "tokens": [t]} for t in ("[CLS]", "[SEP]")}
    return {
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0},
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {"type": "TemplateProcessing", "single": parts, "pair": parts, "special_tokens": special},
        "decoder": None,
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": vocabulary,
        },
    }


def tiny() -> tuple[BertForSequenceClassification, Tokenizer]:
    torch.manual_seed(1)
    tokenizer, old_ids = trimmed(full_tokenizer())
    config = BertConfig(
        vocab_size=len(old_ids),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        num_labels=len(LABELS),
        initializer_range=0.3,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return BertForSequenceClassification(config), Tokenizer.from_str(json.dumps(tokenizer))


def trained(rows: list[Row]) -> dict[str, torch.Tensor]:
    model, tokenizer = tiny()
    train(model, tokenizer, rows, Recipe(epochs=2, batch=2, bfloat16=False), lambda _line: None)
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_training_is_reproducible_and_learns() -> None:
    rows = [benign("s", "good day"), labelled("s", "you are bad", dict.fromkeys(LABELS, 1.0))] * 8
    assert equal(trained(rows), trained(rows))
    model, tokenizer = tiny()
    quick = Recipe(epochs=12, batch=4, learning_rate=1e-2, head_learning_rate=1e-2, bfloat16=False)
    losses = train(model, tokenizer, rows, quick, lambda _line: None)
    assert losses[-1] < losses[0] / 2


def test_a_masked_label_teaches_nothing() -> None:
    masked = dict.fromkeys(LABELS, 1.0) | {"threat": 0.0}
    zero = dict.fromkeys(LABELS, 0.0)
    absent, present = (labelled("s", "you are bad", zero | {"threat": value}, masked) for value in (0.0, 1.0))
    assert equal(trained([absent] * 4), trained([present] * 4))
    heard = labelled("s", "you are bad", zero | {"threat": 1.0})
    assert not equal(trained([absent] * 4), trained([heard] * 4))


def test_unknown_labels_of_a_row_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown labels"):
        labelled("s", "x", {"toxic": 1.0})


def test_a_trimmed_vocabulary_keeps_english_and_the_embeddings_that_belong_to_it() -> None:
    tokenizer, old_ids = trimmed(full_tokenizer())
    vocabulary = tokenizer["model"]["vocab"]
    assert set(vocabulary) == {*WORDS, *SPECIAL, "##s"}
    assert [vocabulary[token] for token in SPECIAL] == list(range(len(SPECIAL)))
    embeddings = torch.arange(14.0).reshape(14, 1)
    kept = trim_embeddings(embeddings, old_ids)
    assert kept[vocabulary["bad"]] == embeddings[1]
    encoded = Tokenizer.from_str(json.dumps(tokenizer)).encode("you are a good bad day")
    assert encoded.tokens == ["[CLS]", "you", "are", "[UNK]", "good", "bad", "day", "[SEP]"]


def test_quantising_moves_a_weight_by_at_most_half_a_step() -> None:
    matrix, bias = torch.randn(6, 9) * torch.logspace(-3, 1, 6)[:, None], torch.randn(9)
    matrix[2] = 0
    back = restored(quantised({"w": matrix, "b": bias}))
    assert torch.equal(back["b"], bias)
    assert ((back["w"] - matrix).abs() <= matrix.abs().amax(dim=1, keepdim=True) / 127 * 0.501).all()


@pytest.mark.parametrize(("arithmetic", "tolerance"), [("float32", 1e-5), ("int8", 0.01)])
def test_the_shipped_graphs_compute_what_the_rounded_network_computes(
    tmp_path: Path, arithmetic: Arithmetic, tolerance: float
) -> None:
    model, tokenizer = tiny()
    ship(model, tokenizer, tmp_path, "3")
    classifier = OnnxClassifier(tmp_path, arithmetic=arithmetic, threads=1, max_tokens=16)
    scores = classifier.score(["you are bad"])[0]
    ids = torch.tensor([tokenizer.encode("you are bad").ids])
    with torch.no_grad():
        expected = torch.sigmoid(model(input_ids=ids).logits)[0].tolist()
    assert list(scores.values()) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("arithmetic", ["float32", "int8"])
def test_weights_are_stored_once_as_int8_and_not_in_the_graph(tmp_path: Path, arithmetic: Arithmetic) -> None:
    model, tokenizer = tiny()
    ship(model, tokenizer, tmp_path, "3")
    graph = onnx.load(tmp_path / model_file(arithmetic), load_external_data=False).graph
    assert any(node.op_type == "MatMulIntegerToFloat" for node in graph.node) == (arithmetic == "int8")
    weights = [item for item in graph.initializer if len(item.dims) == 2]
    assert weights
    assert {entry.value for item in weights for entry in item.external_data if entry.key == "location"} == {
        WEIGHTS_FILE
    }
