"""Detoxify checkpoints on disk: verified before they are unpickled, and loaded without a network."""

import hashlib
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from moderation.errors import ConfigurationError, ModelMissing

PUBLISHED = {
    "original": "c1212f89",
    "unbiased": "c7548aa0",
    "multilingual": "0b549669",
    "original-small": "0e1d6498",
    "unbiased-small": "c8519128",
}
"""Detoxify's releases: model name -> the first eight hex digits of the file's SHA-256, which its file name carries."""

CHECKPOINT_FILE = "model.ckpt"

MULTILINGUAL_LANGUAGES = ("en", "es", "fr", "it", "pt", "ru", "tr")
"""What `multilingual` was trained on (Detoxify's README)."""

_DIGEST_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.ckpt$")


def find_checkpoint(folder: Path, model: str) -> Path:
    """The checkpoint file of a model in its folder: `model.ckpt`, or the only `.ckpt` there.

    Raises:
        ModelMissing: there is none; the message names the command that installs it.
    """
    found = [folder / CHECKPOINT_FILE] if (folder / CHECKPOINT_FILE).is_file() else sorted(folder.glob("*.ckpt"))
    if len(found) != 1:
        advice = (
            f"run `moderation models fetch detoxify:{model}`" if model in PUBLISHED else "keep one checkpoint there"
        )
        raise ModelMissing(f"{folder} holds {len(found)} checkpoints where one is expected: {advice}")
    return found[0]


def configuration_folder(checkpoint: Path) -> Path:
    """Where the base model's `config.json` and tokenizer lie: `tokenizer/` beside the checkpoint, or beside it.

    Raises:
        ConfigurationError: neither holds a `config.json`.
    """
    for folder in (checkpoint.parent / "tokenizer", checkpoint.parent):
        if (folder / "config.json").is_file():
            return folder
    raise ConfigurationError(f"config.json is missing beside {checkpoint}: fetch the model again")


def verified_digest(path: Path, expected: str | None = None) -> str:
    """The SHA-256 of a checkpoint, once it is known to be the one that was published.

    `expected` is the digest or its beginning; None takes it from `<name>.sha256` beside the file, or from its name, as
    Detoxify's releases carry it. Unpickling runs code, so nothing is loaded without.

    Raises:
        ConfigurationError: there is no expected digest, or the file has another one.
    """
    wanted = expected or _expected_digest(path)
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    if not digest.startswith(wanted):
        raise ConfigurationError(
            f"{path} is not the published file (its SHA-256 starts with {digest[:8]}, not {wanted[:8]}): delete it "
            "and fetch it again"
        )
    return digest


def _expected_digest(path: Path) -> str:
    beside = path.with_name(path.name + ".sha256")
    if beside.is_file():
        words = beside.read_text(encoding="utf-8").split()
        expected = words[0].lower() if words else ""
        if re.fullmatch(r"[0-9a-f]{64}", expected):
            return expected
        raise ConfigurationError(f"{beside} holds no SHA-256: write it with `sha256sum {path.name} > {beside.name}`")
    named = _DIGEST_IN_NAME.search(path.name)
    if named is None:
        raise ConfigurationError(
            f"{path} cannot be verified: its name carries no SHA-256 and there is no {beside.name} beside it"
        )
    return named[1]


@contextmanager
def offline_checkpoint(path: Path, expected: str | None = None) -> Iterator[Path]:
    """A copy of a verified checkpoint whose configuration and tokenizer come from the folder it lies in.

    `expected` is as for `verified_digest`.

    Detoxify asks a server for the base model's configuration even when it is given a local one; pointing `model_type`
    at the folder is what keeps it offline. The copy is gone on exit: load it inside.

    Raises:
        ConfigurationError: the file is not the published one, not a Detoxify checkpoint, or `config.json` is missing.
    """
    import torch  # noqa: PLC0415  torch takes seconds to import, and only this back-end needs it

    verified_digest(path, expected)
    local = configuration_folder(path)
    loaded: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=False)
    try:
        loaded["config"]["arch"]["args"]["model_type"] = str(local)
    except (KeyError, TypeError) as error:
        raise ConfigurationError(f"{path} is not a Detoxify checkpoint: it lacks config.arch.args") from error
    kept = {"config": loaded["config"], "state_dict": loaded["state_dict"]}
    with tempfile.TemporaryDirectory(prefix="moderation-detoxify-") as scratch:
        copy = Path(scratch) / CHECKPOINT_FILE
        torch.save(kept, copy)
        yield copy


def write_checkpoint(
    state: Mapping[str, Any], folder: Path, classes: Sequence[str], *, model_name: str, tokenizer_name: str
) -> Path:
    """Write `model.ckpt`, and its digest beside it, in Detoxify's own format into a folder with config and tokenizer.

    `model_name` and `tokenizer_name` are class names of `transformers`.
    """
    import torch  # noqa: PLC0415

    arch = {
        "num_classes": len(classes),
        "model_type": str(folder),
        "model_name": model_name,
        "tokenizer_name": tokenizer_name,
    }
    config = {"arch": {"args": arch}, "dataset": {"args": {"classes": list(classes)}}}
    path = folder / CHECKPOINT_FILE
    torch.save({"config": config, "state_dict": dict(state)}, path)
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    path.with_name(path.name + ".sha256").write_text(f"{digest}  {path.name}\n", encoding="utf-8")
    return path
