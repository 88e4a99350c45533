"""Back-ends under the suite: the shipped model both ways, and a random checkpoint with identity mentions."""

import json
import string
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertForSequenceClassification

from moderation.settings import ToxicitySettings
from moderation.toxicity.classifier import ToxicityClassifier
from moderation.toxicity.detoxify_classifier import DetoxifyClassifier
from moderation.toxicity.export import export
from moderation.toxicity.factory import open_classifier
from moderation.toxicity.manifest import Arithmetic
from moderation.toxicity.onnx_classifier import OnnxClassifier
from moderation.toxicity.training.network import save_detoxify_checkpoint

UNBIASED_CLASSES = (
    *("toxicity", "severe_toxicity", "obscene", "identity_attack", "insult", "threat", "sexual_explicit"),
    *("male", "female", "homosexual_gay_or_lesbian", "christian", "jewish", "muslim", "black", "white"),
    "psychiatric_or_mental_illness",
)
WORDS = ("hello", "you", "are", "kill", "the", "boss", "stupid", "a", "is", "friend", "my", "x", "y")


def open_compact(backend: str, arithmetic: Arithmetic = "int8") -> ToxicityClassifier:
    return open_classifier(ToxicitySettings(backend=backend, arithmetic=arithmetic, max_tokens=64))


@pytest.fixture(scope="session")
def compact_int8() -> ToxicityClassifier:
    return open_compact("onnx", "int8")


@pytest.fixture(scope="session")
def compact_float32() -> ToxicityClassifier:
    return open_compact("onnx", "float32")


@pytest.fixture(scope="session")
def compact_detoxify() -> ToxicityClassifier:
    return open_compact("detoxify")


@pytest.fixture(scope="session")
def random_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint in Detoxify's format: a tiny BERT with random weights and the 16 classes of `unbiased`."""
    torch.manual_seed(3)
    tokenizer = tiny_tokenizer()
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        num_labels=len(UNBIASED_CLASSES),
        initializer_range=0.2,
    )
    folder = tmp_path_factory.mktemp("random-checkpoint")
    save_detoxify_checkpoint(BertForSequenceClassification(config), tokenizer, folder, UNBIASED_CLASSES)
    return folder


def tiny_tokenizer() -> Tokenizer:
    characters = [*string.ascii_lowercase, *string.digits, *string.punctuation]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *(f"##{c}" for c in characters), *WORDS]
    vocabulary = {token: at for at, token in enumerate(dict.fromkeys(tokens))}
    special = [
        {"id": vocabulary[t], "content": t, "special": True}
        | dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
        for t in tokens[:5]
    ]
    sequence = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    sequence.append({"SpecialToken": {"id": "[SEP]", "type_id": 0}})
    return Tokenizer.from_str(
        json.dumps(
            {
                "version": "1.0",
                "truncation": None,
                "padding": None,
                "added_tokens": special,
                "normalizer": {
                    "type": "BertNormalizer",
                    "clean_text": True,
                    "handle_chinese_chars": True,
                    "strip_accents": None,
                    "lowercase": True,
                },
                "pre_tokenizer": {"type": "BertPreTokenizer"},
                "post_processor": {
                    "type": "TemplateProcessing",
                    "single": sequence,
                    "pair": [*sequence, {"Sequence": {"id": "B", "type_id": 1}}],
                    "special_tokens": {t: {"id": t, "ids": [vocabulary[t]], "tokens": [t]} for t in ("[CLS]", "[SEP]")},
                },
                "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
                "model": {
                    "type": "WordPiece",
                    "unk_token": "[UNK]",
                    "continuing_subword_prefix": "##",
                    "max_input_chars_per_word": 100,
                    "vocab": vocabulary,
                },
            }
        )
    )


@pytest.fixture(scope="session")
def random_detoxify(random_checkpoint: Path) -> ToxicityClassifier:
    return DetoxifyClassifier(
        random_checkpoint / "model.ckpt", source="random@1", languages=frozenset({"en"}), threads=1, max_tokens=64
    )


@pytest.fixture(scope="session")
def random_export(random_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("random-onnx")
    export(random_checkpoint, "random", out, tolerance=1.0)
    return out


@pytest.fixture(scope="session")
def random_float32(random_export: Path) -> ToxicityClassifier:
    return OnnxClassifier(random_export, arithmetic="float32", threads=1, max_tokens=64)


@pytest.fixture(scope="session")
def random_int8(random_export: Path) -> ToxicityClassifier:
    return OnnxClassifier(random_export, arithmetic="int8", threads=1, max_tokens=64)
