"""A tokenizer cut down to what English speech needs, and the embeddings that go with it."""

import json
from collections.abc import Mapping
from typing import Any

import torch

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def trimmed(tokenizer: Mapping[str, Any]) -> tuple[dict[str, Any], list[int]]:
    """A copy of a `tokenizer.json` without tokens of other scripts, with the old ids in their new order.

    Tokens outside ASCII and `[unused...]` go; all single characters of ASCII stay, so every English word can still be
    spelt. Truncation and padding are switched off: the classifier does windows itself.
    """
    kept = [token for token in tokenizer["model"]["vocab"] if _useful(token)]
    kept.sort(key=lambda token: (token not in SPECIAL, tokenizer["model"]["vocab"][token]))
    old_ids = [int(tokenizer["model"]["vocab"][token]) for token in kept]
    new_ids = {token: index for index, token in enumerate(kept)}
    result = json.loads(json.dumps(tokenizer))
    result["model"]["vocab"] = new_ids
    result["truncation"] = None
    result["padding"] = None
    result["added_tokens"] = [{**entry, "id": new_ids[entry["content"]]} for entry in result["added_tokens"]]
    for token, entry in result["post_processor"]["special_tokens"].items():
        entry["ids"] = [new_ids[token]]
    return result, old_ids


def _useful(token: str) -> bool:
    return token in SPECIAL or (token.isascii() and not token.startswith("[unused"))


def trim_embeddings(embeddings: torch.Tensor, old_ids: list[int]) -> torch.Tensor:
    """Rows of the embedding matrix in the order of the trimmed vocabulary."""
    return embeddings[torch.tensor(old_ids)].clone()
