"""The compact English model that ships with this package, and its form for Detoxify."""

import json
import shutil
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from moderation.toxicity.checkpoint import write_checkpoint
from moderation.toxicity.manifest import TOKENIZER_FILE, read_manifest

COMPACT_MODEL = "compact-en"
WEIGHTS_FILE = "weights.safetensors"
SCALE_SUFFIX = ".scale"
"""A matrix `name` is kept as int8 with a float32 `name` + suffix: one scale a row."""


def compact_folder() -> Path:
    """Where the shipped model lies."""
    return Path(str(files("moderation.toxicity") / "compact_en"))


def rebuild_checkpoint(folder: Path, destination: Path) -> Path:
    """Write the shipped weights as a checkpoint that `detoxify.Detoxify(checkpoint=...)` loads; returns its path.

    `model.onnx` reads the same `weights.safetensors`, so both forms compute the same function.
    """
    from safetensors.torch import load_file  # noqa: PLC0415  imports torch

    state = restored(load_file(folder / WEIGHTS_FILE))
    for name in ("config.json", TOKENIZER_FILE, "tokenizer_config.json"):
        shutil.copyfile(folder / name, destination / name)
    architecture = json.loads((folder / "config.json").read_text(encoding="utf-8"))["architectures"][0]
    tokenizer = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))["tokenizer_class"]
    classes = read_manifest(folder).classes
    return write_checkpoint(state, destination, classes, model_name=architecture, tokenizer_name=tokenizer)


def restored(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The state dict (float tensors by name) that stored weights stand for."""
    return {
        name: tensor.float() * stored[name + SCALE_SUFFIX] if name + SCALE_SUFFIX in stored else tensor
        for name, tensor in stored.items()
        if not name.endswith(SCALE_SUFFIX)
    }
