"""Train the compact English model: `python -m moderation.toxicity.train --data DIR --out DIR`.

Reads the licensed sets under DIR/train, adds the contrast sets, leaves out everything that is in or near the test
sets, fine-tunes the first layers of a packaged MiniLM, and writes into the output folder:

- `detoxify/`: the full-precision checkpoint in Detoxify's own format, with config and tokenizer;
- `compact_en/`: what ships (`model.onnx`, int8 weights, tokenizer, configuration);
- `training.json`: rows per source, seeds, losses, time.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from moderation.toxicity.classifier import LABELS
from moderation.toxicity.contrast import HELD_OUT_FILLS, HELD_OUT_SEED, load_contrast
from moderation.toxicity.training.calibrate import calibrate, kept_apart
from moderation.toxicity.training.corpora import training_rows
from moderation.toxicity.training.loop import Recipe, train
from moderation.toxicity.training.near_duplicates import NearDuplicates
from moderation.toxicity.training.network import save_detoxify_checkpoint, start_from_minilm
from moderation.toxicity.training.rows import Row
from moderation.toxicity.training.ship import ship
from moderation.toxicity.training.test_sets import all_test_texts

WEAK = 0.3
"""Rows whose every label is trusted at most this much are sampled, to save time."""


def gather(data: Path, contrast_count: int, weak_share: float, seed: int) -> tuple[list[Row], Counter[str]]:
    """The rows to train on, and how many each source lost to being in or near a test set or a held-out template."""
    contrast = load_contrast()
    measured = contrast.held_out(HELD_OUT_FILLS, HELD_OUT_SEED)
    tested = NearDuplicates([*all_test_texts(data), *(utterance.text for utterance in measured)])
    rng = random.Random(seed)  # noqa: S311  reproducible, not secret
    kept: dict[str, Row] = {}
    lost: Counter[str] = Counter()
    for row in (*training_rows(data), *contrast.generate(contrast_count, seed)):
        if max(row.weights) <= WEAK and rng.random() >= weak_share:
            continue
        if not row.text or row.text in tested:
            lost[row.source] += 1
        else:
            kept.setdefault(row.text, row)
    return list(kept.values()), lost


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the training; returns the exit code."""
    options = _parser().parse_args(arguments)
    started = time.monotonic()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)  # Adam's moments of rare tokens decay into denormals, which are ten times as slow
    torch.manual_seed(options.seed)
    rows, lost = gather(options.data, options.contrast, options.weak_share, options.seed)
    counts = Counter(row.source for row in rows)
    _report(f"{len(rows)} rows; {sum(lost.values())} left out as in or near the test sets; {dict(counts)}")
    recipe = Recipe(epochs=options.epochs, learning_rate=options.learning_rate, seed=options.seed)
    model, tokenizer = start_from_minilm(options.layers)
    rows, apart = kept_apart(rows, options.calibration_share)
    losses = train(model, tokenizer, rows, recipe, _report)
    calibration = calibrate(model, tokenizer, apart, recipe.max_tokens)
    _report(f"calibrated with {len(apart)} rows: {calibration}")
    save_detoxify_checkpoint(model, tokenizer, options.out / "detoxify", LABELS)
    ship(model, tokenizer, options.out / "compact_en", options.model_version)
    summary = {
        "rows": counts,
        "left_out": lost,
        "recipe": asdict(recipe),
        "layers": options.layers,
        "threads": options.threads,
        "losses": losses,
        "calibration": calibration,
        "seconds": round(time.monotonic() - started),
    }
    (options.out / "training.json").write_text(json.dumps(summary, indent=2), encoding="utf-8")
    return 0


def _report(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m moderation.toxicity.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds train/ and test/")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the checkpoint and the model into")
    parser.add_argument("--layers", type=int, default=4, help="layers of MiniLM to keep, 1 to 6 (default 4)")
    parser.add_argument("--epochs", type=int, default=2, help="passes over the rows (default 2)")
    parser.add_argument("--contrast", type=int, default=60_000, help="generated rows (default 60000)")
    parser.add_argument("--weak-share", type=float, default=0.5, help="part of weakly labelled rows used (default 0.5)")
    parser.add_argument(
        "--calibration-share", type=float, default=0.03, help="part of the rows kept to calibrate with (default 0.03)"
    )
    parser.add_argument("--learning-rate", type=float, default=2e-4, help="highest learning rate (default 2e-4)")
    parser.add_argument("--model-version", default="1", help="version that the shipped model states (default 1)")
    parser.add_argument("--seed", type=int, default=20, help="seed of sampling, order and initial head (default 20)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (default 2)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
