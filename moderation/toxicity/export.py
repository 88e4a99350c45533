"""Export a Detoxify checkpoint to ONNX: `python -m moderation.toxicity.export --model original --folder DIR`.

Verifies the checkpoint, writes a graph for each arithmetic (`model.onnx` in float32, `model.int8.onnx`),
`tokenizer.json` and `model.json` beside it (or into --out), and compares the scores of each with the checkpoint's;
nothing is written when they differ by more than --tolerance. Needs the extra `train`.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from moderation.errors import ConfigurationError, ModerationError
from moderation.toxicity.checkpoint import PUBLISHED, find_checkpoint, offline_checkpoint, verified_digest
from moderation.toxicity.factory import published_languages, published_source
from moderation.toxicity.manifest import (
    ARITHMETICS,
    TOKENIZER_FILE,
    Arithmetic,
    Manifest,
    exposed_labels,
    model_file,
)
from moderation.toxicity.onnx_classifier import OnnxClassifier

TOLERANCE: Mapping[Arithmetic, float] = {"float32": 1e-3, "int8": 0.05}
"""Largest accepted difference of a score from the checkpoint's."""

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
    folder: Path,
    model: str,
    out: Path,
    *,
    arithmetics: Sequence[Arithmetic] = ARITHMETICS,
    tolerance: float | None = None,
) -> tuple[Manifest, Mapping[Arithmetic, float]]:
    """Write ONNX forms of the checkpoint in `folder` into `out`; returns the manifest and the largest differences.

    Args:
        folder: the checkpoint with `config.json` and tokenizer, as `open_classifier` takes it.
        model: a name of `PUBLISHED`, or any other name for a checkpoint of one's own.
        out: existing folder to write into; may be `folder`.
        arithmetics: which forms to write.
        tolerance: largest difference of any score that is accepted; None is TOLERANCE.

    Raises:
        ModelMissing: there is no checkpoint in `folder`.
        ConfigurationError: the checkpoint cannot be verified, or a form disagrees with it.
    """
    checkpoint = find_checkpoint(folder, model)
    expected = PUBLISHED.get(model)
    digest = verified_digest(checkpoint, expected)
    with offline_checkpoint(checkpoint, expected) as local:
        from detoxify import Detoxify  # noqa: PLC0415  heavy

        detoxify = Detoxify(checkpoint=str(local))
    detoxify.model.eval()
    manifest = _manifest(model, tuple(detoxify.class_names), digest)
    differences: dict[Arithmetic, float] = {}
    with tempfile.TemporaryDirectory(prefix="moderation-export-") as scratch:
        _write(detoxify, Path(scratch), manifest, arithmetics)
        for arithmetic in arithmetics:
            differences[arithmetic] = _difference(detoxify, Path(scratch), arithmetic)
            limit = TOLERANCE[arithmetic] if tolerance is None else tolerance
            if differences[arithmetic] > limit:
                raise ConfigurationError(
                    f"the {arithmetic} form differs from the checkpoint by {differences[arithmetic]:.4f}, more than "
                    f"{limit}: leave it out with --arithmetic, or accept it with --tolerance"
                )
        for file in Path(scratch).iterdir():
            shutil.copyfile(file, out / file.name)
    return manifest, differences


def _manifest(model: str, classes: tuple[str, ...], digest: str) -> Manifest:
    identifier, version = (
        published_source(model).split("@") if model in PUBLISHED else (f"detoxify-{model}", digest[:8])
    )
    return Manifest(
        id=identifier,
        version=version,
        classes=classes,
        languages=tuple(sorted(published_languages(model))),
        max_positions=MAX_POSITIONS,
        sha256=digest,
    )


def _write(detoxify: Any, folder: Path, manifest: Manifest, arithmetics: Sequence[Arithmetic]) -> None:
    import onnx  # noqa: PLC0415  an extra that only exports need

    from moderation.toxicity.onnx_graph import traced  # noqa: PLC0415  imports torch and onnx
    from moderation.toxicity.onnx_int8 import rounding, use_int8  # noqa: PLC0415  imports onnx

    graph = traced(detoxify.model, fold=True)
    if "float32" in arithmetics:
        onnx.save(graph, folder / model_file("float32"))
    if "int8" in arithmetics:
        use_int8(graph, rounding(graph.graph))
        onnx.save(graph, folder / model_file("int8"))
    detoxify.tokenizer.backend_tokenizer.save(str(folder / TOKENIZER_FILE))
    manifest.write(folder)


def _difference(detoxify: Any, folder: Path, arithmetic: Arithmetic) -> float:
    exported = OnnxClassifier(folder, arithmetic=arithmetic, threads=1, max_tokens=MAX_POSITIONS)
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
    parser.add_argument("--arithmetic", choices=ARITHMETICS, help="write only the graph for this (default: both)")
    parser.add_argument("--tolerance", type=float, help="largest accepted difference of a score")
    options = parser.parse_args(arguments)
    out = options.out or options.folder
    try:
        out.mkdir(parents=True, exist_ok=True)
        arithmetics = (options.arithmetic,) if options.arithmetic else ARITHMETICS
        manifest, differences = export(
            options.folder, options.model, out, arithmetics=arithmetics, tolerance=options.tolerance
        )
    except ModerationError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    told = ", ".join(f"{difference:.6f} in {arithmetic}" for arithmetic, difference in differences.items())
    sys.stderr.write(f"{manifest.source} written to {out}; largest difference of a score {told}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
