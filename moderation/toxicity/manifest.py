"""What a folder with an ONNX model says about itself: `model.json`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from moderation.errors import ConfigurationError
from moderation.toxicity.classifier import LABELS

MANIFEST_FILE = "model.json"
TOKENIZER_FILE = "tokenizer.json"

Arithmetic = Literal["int8", "float32"]
"""What a model's matrix products are computed in. Scores in int8 differ a little from those in float32."""

ARITHMETICS: tuple[Arithmetic, ...] = get_args(Arithmetic)

_RENAMED = {"toxic": "toxicity", "severe_toxic": "severe_toxicity", "identity_hate": "identity_attack"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Identity of a model and the meaning of its outputs.

    `classes` are all outputs in the model's order, identity mentions included. `sha256` is the digest of the weights
    the model was exported from.
    """

    id: str
    version: str
    classes: tuple[str, ...]
    languages: tuple[str, ...]
    max_positions: int
    sha256: str

    @property
    def source(self) -> str:
        """`id@version`."""
        return f"{self.id}@{self.version}"

    def source_in(self, arithmetic: Arithmetic) -> str:
        """`id@version`, and `-int8` where the scores are those of int8 arithmetic."""
        return self.source if arithmetic == "float32" else f"{self.source}-{arithmetic}"

    def write(self, folder: Path) -> None:
        """Write `model.json`."""
        (folder / MANIFEST_FILE).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def model_file(arithmetic: Arithmetic) -> str:
    """The name of the graph that computes in this arithmetic."""
    return "model.onnx" if arithmetic == "float32" else f"model.{arithmetic}.onnx"


def read_manifest(folder: Path) -> Manifest:
    """Read `model.json`.

    Raises:
        ConfigurationError: the file is missing or not what an export writes.
    """
    path = folder / MANIFEST_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        content.update({name: tuple(content[name]) for name in ("classes", "languages")})
        return Manifest(**content)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigurationError(
            f"{path} is missing or malformed: make the folder anew with `python -m moderation.toxicity.export`"
        ) from error


def exposed_labels(classes: Sequence[str]) -> dict[str, int]:
    """The labels of LABELS, in that order, with their positions among `classes` (Detoxify's old names understood).

    Everything else, identity mentions above all, is left out.

    Raises:
        ConfigurationError: none of LABELS is among the classes.
    """
    names = [_RENAMED.get(name, name) for name in classes]
    found = {label: names.index(label) for label in LABELS if label in names}
    if not found:
        raise ConfigurationError("the model has none of Detoxify's labels: it is not a toxicity model")
    return found
