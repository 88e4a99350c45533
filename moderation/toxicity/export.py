"""Export a Detoxify checkpoint to ONNX: `python -m moderation.toxicity.export --model original --folder DIR`.

Verifies the checkpoint, writes `model.onnx`, `tokenizer.json` and `model.json` beside it (or into --out), and compares
the scores of both forms; nothing is written when they differ by more than --tolerance. Needs the extra `train`.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from moderation.errors import ConfigurationError, ModerationError
from moderation.toxicity.checkpoint import PUBLISHED, find_checkpoint, offline_checkpoint, verified_digest
from moderation.toxicity.factory import published_languages, published_source
from moderation.toxicity.manifest import MODEL_FILE, TOKENIZER_FILE, Manifest, exposed_labels
from moderation.toxicity.onnx_classifier import OnnxClassifier

FLOAT_TOLERANCE = 1e-3
INT8_TOLERANCE = 0.1
MAX_POSITIONS = 512

PROBES = (
    "hello there, can you hear me",
    "you are a stupid idiot and everyone hates you",
    "i am going to find you and kill you",
    "kill the boss and plant the bomb at b site",
    "my best friend is a gay muslim from france",
    "what the hell was that shot",
    "Thank you all for the game, see you tomorrow at eight.",
    "",
)
"""Texts whose scores are compared."""


def export(
    folder: Path, model: str, out: Path, *, int8: bool = False, tolerance: float | None = None
) -> tuple[Manifest, float]:
    """Write an ONNX form of the checkpoint in `folder` into `out`; returns its manifest and the largest difference.

    Args:
        folder: the checkpoint with `config.json` and tokenizer, as `open_classifier` takes it.
        model: a name of `PUBLISHED`, or any other name for a checkpoint of one's own.
        out: existing folder to write into; may be `folder`.
        int8: quantise weights and activations (ONNX Runtime's dynamic quantisation, a scale a channel).
        tolerance: largest difference of any score that is accepted; None is 0.001, or 0.1 with `int8`.

    Raises:
        ModelMissing: there is no checkpoint in `folder`.
        ConfigurationError: the checkpoint cannot be verified, or the two forms disagree.
    """
    checkpoint = find_checkpoint(folder, model)
    expected = PUBLISHED.get(model)
    digest = verified_digest(checkpoint, expected)
    with offline_checkpoint(checkpoint, expected) as local:
        from detoxify import Detoxify  # noqa: PLC0415  heavy

        detoxify = Detoxify(checkpoint=str(local))
    detoxify.model.eval()
    manifest = _manifest(model, tuple(detoxify.class_names), digest, int8=int8)
    with tempfile.TemporaryDirectory(prefix="moderation-export-") as scratch:
        _write(detoxify, Path(scratch), manifest)
        difference = _difference(detoxify, Path(scratch))
        limit = tolerance if tolerance is not None else INT8_TOLERANCE if int8 else FLOAT_TOLERANCE
        if difference > limit:
            raise ConfigurationError(
                f"the exported model differs from the checkpoint by {difference:.4f}, more than {limit}: export "
                "without --int8, or accept it with --tolerance"
            )
        for file in Path(scratch).iterdir():
            shutil.copyfile(file, out / file.name)
    return manifest, difference


def _manifest(model: str, classes: tuple[str, ...], digest: str, *, int8: bool) -> Manifest:
    identifier, version = (
        published_source(model).split("@") if model in PUBLISHED else (f"detoxify-{model}", digest[:8])
    )
    arithmetic: Literal["float32", "int8"] = "int8" if int8 else "float32"
    return Manifest(
        id=identifier,
        version=f"{version}-int8" if int8 else version,
        classes=classes,
        languages=tuple(sorted(published_languages(model))),
        arithmetic=arithmetic,
        max_positions=MAX_POSITIONS,
        sha256=digest,
    )


def _write(detoxify: Any, folder: Path, manifest: Manifest) -> None:
    from moderation.toxicity.onnx_graph import write_onnx  # noqa: PLC0415  imports torch

    path = folder / MODEL_FILE
    if manifest.arithmetic == "int8":
        from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415  imports onnx

        plain = folder / "plain.onnx"
        write_onnx(detoxify.model, plain, fold=True)
        quantize_dynamic(plain, path, per_channel=True, weight_type=QuantType.QInt8)
        plain.unlink()
    else:
        write_onnx(detoxify.model, path, fold=True)
    detoxify.tokenizer.backend_tokenizer.save(str(folder / TOKENIZER_FILE))
    manifest.write(folder)


def _difference(detoxify: Any, folder: Path) -> float:
    exported = OnnxClassifier(folder, threads=1, max_tokens=MAX_POSITIONS)
    differences = [0.0]
    for text, scores in zip(PROBES, exported.score(PROBES), strict=True):
        if text:
            reference = detoxify.predict(text)
            differences += [abs(reference[label] - scores[label]) for label in exposed_labels(detoxify.class_names)]
    return max(differences)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the export; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m moderation.toxicity.export",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", required=True, help=f"one of {', '.join(PUBLISHED)}, or a name of your own")
    parser.add_argument("--folder", type=Path, required=True, help="folder with the checkpoint and its tokenizer")
    parser.add_argument("--out", type=Path, help="folder to write into (default: --folder)")
    parser.add_argument("--int8", action="store_true", help="quantise: about three times as fast, scores move a little")
    parser.add_argument("--tolerance", type=float, help="largest accepted difference of a score")
    options = parser.parse_args(arguments)
    out = options.out or options.folder
    try:
        out.mkdir(parents=True, exist_ok=True)
        manifest, difference = export(
            options.folder, options.model, out, int8=options.int8, tolerance=options.tolerance
        )
    except ModerationError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stderr.write(f"{manifest.source} written to {out}; largest difference of a score {difference:.6f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
