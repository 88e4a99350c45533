"""Scores that mean what they say: each label's logit is scaled and shifted so that it fits rows kept from training.

Platt 1999, "Probabilistic Outputs for Support Vector Machines"; on soft targets. The scales go into the last layer, so
that nothing at run time knows of them.
"""

import math
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer

from moderation.toxicity.classifier import LABELS
from moderation.toxicity.training.rows import Row
from moderation.toxicity.training.speech_style import spoken

_BATCH = 64
_LEAST_ROWS = 200
"""Labels that fewer rows know keep their logits."""


def kept_apart(rows: Sequence[Row], share: float) -> tuple[list[Row], list[Row]]:
    """The rows to train on, and about this share of them to calibrate with; by their text, whatever the order."""
    parts: tuple[list[Row], list[Row]] = [], []
    for row in rows:
        parts[zlib.crc32(row.text.encode()) % 10_000 < share * 10_000].append(row)
    return parts


def calibrate(model: Any, tokenizer: Tokenizer, rows: Sequence[Row], max_tokens: int) -> dict[str, tuple[float, float]]:
    """Change the model's last layer in place; returns each label's scale and shift."""
    logits = np.concatenate(
        [_logits(model, tokenizer, [style(row.text) for row in rows], max_tokens) for style in (str, spoken)]
    )
    targets = np.tile(np.array([row.targets for row in rows]), (2, 1))
    weights = np.tile(np.array([row.weights for row in rows]), (2, 1))
    found = {}
    for at, label in enumerate(LABELS):
        known = weights[:, at] > 0
        enough = int(known.sum()) >= 2 * _LEAST_ROWS
        found[label] = fitted(logits[known, at], targets[known, at], weights[known, at]) if enough else (1.0, 0.0)
    scale, shift = (torch.tensor([pair[part] for pair in found.values()]) for part in (0, 1))
    with torch.no_grad():
        model.classifier.weight.mul_(scale[:, None])
        model.classifier.bias.mul_(scale).add_(shift)
    return found


def fitted(
    logits: npt.NDArray[np.float64], targets: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
) -> tuple[float, float]:
    """Scale (positive) and shift with the least cross-entropy."""
    parameters = torch.zeros(2, dtype=torch.float64, requires_grad=True)  # logarithm of the scale, shift
    values, wanted, trust = (torch.tensor(array, dtype=torch.float64) for array in (logits, targets, weights))
    optimiser = torch.optim.LBFGS([parameters], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        scaled = parameters[0].exp() * values + parameters[1]
        each = torch.nn.functional.binary_cross_entropy_with_logits(scaled, wanted, weight=trust, reduction="sum")
        mean = each / trust.sum()
        mean.backward()
        return mean

    optimiser.step(loss)
    log_scale, shift = parameters.detach().tolist()
    return math.exp(log_scale), shift


def _logits(model: Any, tokenizer: Tokenizer, texts: Sequence[str], max_tokens: int) -> npt.NDArray[np.float64]:
    tokenizer.enable_truncation(max_tokens)
    tokenizer.enable_padding(pad_id=0)
    model.eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(texts), _BATCH):
            encoded = tokenizer.encode_batch(list(texts[start : start + _BATCH]))
            ids, mask = (torch.tensor([getattr(e, name) for e in encoded]) for name in ("ids", "attention_mask"))
            found.append(model(input_ids=ids, attention_mask=mask).logits.double().numpy())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return np.concatenate(found)
