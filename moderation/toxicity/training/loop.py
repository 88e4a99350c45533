"""The training loop: masked multi-label loss, batches of like lengths, written and spoken style mixed."""

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from tokenizers import Tokenizer

from moderation.toxicity.training.rows import Row
from moderation.toxicity.training.speech_style import spoken

_SHUFFLED_TOGETHER = 50
"""Batches sorted by length at once: lengths are alike inside a batch, order stays random across them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to train. `learning_rate` falls linearly to zero after `warm_up` of the steps."""

    epochs: int = 2
    batch: int = 64
    max_tokens: int = 48
    learning_rate: float = 2e-4
    head_learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warm_up: float = 0.05
    spoken_share: float = 0.5
    seed: int = 20
    bfloat16: bool = True


@dataclass(frozen=True, slots=True)
class _Example:
    written: list[int]
    spoken: list[int]
    targets: tuple[float, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Descent:
    optimiser: Any
    schedule: Any
    bfloat16: bool

    def step(self, model: Any, loss: torch.Tensor) -> float:
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        self.optimiser.step()
        self.schedule.step()
        self.optimiser.zero_grad()
        return float(loss.detach())


def train(
    model: Any, tokenizer: Tokenizer, rows: Sequence[Row], recipe: Recipe, report: Callable[[str], None]
) -> list[float]:
    """Train in place; returns the mean loss of each epoch. Deterministic for a seed and a number of threads."""
    torch.manual_seed(recipe.seed)
    rng = random.Random(recipe.seed)  # noqa: S311  reproducible, not secret
    examples = _examples(tokenizer, rows, recipe.max_tokens)
    descent = _descent(model, recipe, recipe.epochs * math.ceil(len(examples) / recipe.batch))
    model.train()
    return [
        _epoch(model, list(_batches(examples, recipe, rng)), descent, partial(_reported, report, epoch))
        for epoch in range(recipe.epochs)
    ]


def _reported(report: Callable[[str], None], epoch: int, line: str) -> None:
    report(f"epoch {epoch + 1}: {line}")


def _epoch(
    model: Any, batches: list[list[tuple[list[int], _Example]]], descent: _Descent, report: Callable[[str], None]
) -> float:
    total, started = 0.0, time.monotonic()
    for step, batch in enumerate(batches, 1):
        total += descent.step(model, _loss(model, batch, bfloat16=descent.bfloat16))
        if step % 100 == 0 or step == len(batches):
            took = time.monotonic() - started
            report(f"step {step}/{len(batches)}, loss {total / step:.4f}, {took:.0f} s")
    return total / len(batches)


def _examples(tokenizer: Tokenizer, rows: Sequence[Row], max_tokens: int) -> list[_Example]:
    tokenizer.enable_truncation(max_tokens)
    written = tokenizer.encode_batch([row.text for row in rows])
    said = tokenizer.encode_batch([spoken(row.text) for row in rows])
    tokenizer.no_truncation()
    return [_Example(w.ids, s.ids, row.targets, row.weights) for w, s, row in zip(written, said, rows, strict=True)]


def _batches(
    examples: list[_Example], recipe: Recipe, rng: random.Random
) -> Iterator[list[tuple[list[int], _Example]]]:
    chosen = [(e.spoken if rng.random() < recipe.spoken_share else e.written, e) for e in examples]
    rng.shuffle(chosen)
    together = recipe.batch * _SHUFFLED_TOGETHER
    batches = []
    for start in range(0, len(chosen), together):
        part = sorted(chosen[start : start + together], key=lambda pair: len(pair[0]))
        batches += [part[at : at + recipe.batch] for at in range(0, len(part), recipe.batch)]
    rng.shuffle(batches)
    return iter(batches)


def _loss(model: Any, batch: list[tuple[list[int], _Example]], *, bfloat16: bool) -> torch.Tensor:
    width = max(len(ids) for ids, _ in batch)
    ids = torch.tensor([row + [0] * (width - len(row)) for row, _ in batch])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row, _ in batch])
    targets = torch.tensor([example.targets for _, example in batch])
    weights = torch.tensor([example.weights for _, example in batch])
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
        logits = model(input_ids=ids, attention_mask=mask).logits
    each = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), targets, reduction="none")
    return (each * weights).sum() / weights.sum().clamp(min=1.0)


def _descent(model: Any, recipe: Recipe, steps: int) -> _Descent:
    head = [p for name, p in model.named_parameters() if name.startswith("classifier")]
    plain = [p for name, p in model.named_parameters() if not name.startswith("classifier") and p.ndim < 2]
    body = [p for name, p in model.named_parameters() if not name.startswith("classifier") and p.ndim >= 2]
    groups = [
        {"params": head, "lr": recipe.head_learning_rate, "weight_decay": 0.0},
        {"params": plain, "weight_decay": 0.0},
        {"params": body, "weight_decay": recipe.weight_decay},
    ]
    optimiser = torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)
    warm = max(1, round(steps * recipe.warm_up))

    def factor(step: int) -> float:
        return min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
    return _Descent(optimiser=optimiser, schedule=schedule, bfloat16=recipe.bfloat16)
