"""Opens the classifier that the settings ask for."""

import tempfile
from pathlib import Path

from moderation.errors import ConfigurationError, ModelMissing
from moderation.settings import ToxicitySettings
from moderation.toxicity.checkpoint import MULTILINGUAL_LANGUAGES, PUBLISHED, find_checkpoint
from moderation.toxicity.classifier import ToxicityClassifier
from moderation.toxicity.compact import COMPACT_MODEL, compact_folder, rebuild_checkpoint
from moderation.toxicity.manifest import model_file, read_manifest
from moderation.toxicity.onnx_classifier import OnnxClassifier


def open_classifier(settings: ToxicitySettings, folder: Path | None = None) -> ToxicityClassifier:
    """Load the model that `settings` name, with the back-end that they name.

    Args:
        settings: model, back-end, threads and window.
        folder: where a published Detoxify model is installed: its `.ckpt` with `config.json` and the tokenizer's files
            beside it or in `tokenizer/`, and for the ONNX back-end an export of it (`model.int8.onnx` or `model.onnx`,
            `tokenizer.json`, `model.json`). Not needed for `compact-en`, which ships with the package; given, it takes
            the place of the shipped folder.

    Raises:
        ModelMissing: the model's files are absent; the message names the command that installs them.
        ConfigurationError: the model is unknown, cannot be verified, or does not fit the settings.
    """
    if settings.model == COMPACT_MODEL:
        return _open_compact(settings, folder or compact_folder())
    if settings.model not in PUBLISHED:
        known = ", ".join((COMPACT_MODEL, *PUBLISHED))
        raise ConfigurationError(f"MODERATION_TOXICITY__MODEL is {settings.model!r}: choose one of {known}")
    if folder is None or not folder.is_dir():
        raise ModelMissing(
            f"the toxicity model {settings.model} is not installed: run "
            f"`moderation models fetch detoxify:{settings.model}`, or use the shipped {COMPACT_MODEL}"
        )
    return _open_published(settings, folder)


def _open_compact(settings: ToxicitySettings, folder: Path) -> ToxicityClassifier:
    if settings.backend == "onnx":
        return _through_onnx(settings, folder)
    from moderation.toxicity.detoxify_classifier import DetoxifyClassifier  # noqa: PLC0415  imports torch when opened

    manifest = read_manifest(folder)
    with tempfile.TemporaryDirectory(prefix="moderation-compact-") as scratch:
        return DetoxifyClassifier(
            rebuild_checkpoint(folder, Path(scratch)),
            source=manifest.source,
            languages=frozenset(manifest.languages),
            threads=settings.threads,
            max_tokens=settings.max_tokens,
        )


def _open_published(settings: ToxicitySettings, folder: Path) -> ToxicityClassifier:
    if settings.backend == "onnx":
        graph = model_file(settings.arithmetic)
        if not (folder / graph).is_file():
            raise ModelMissing(
                f"{folder} has no {graph}: export it with `python -m moderation.toxicity.export --model "
                f"{settings.model} --folder {folder}`, or set MODERATION_TOXICITY__BACKEND=detoxify"
            )
        return _through_onnx(settings, folder)
    from moderation.toxicity.detoxify_classifier import DetoxifyClassifier  # noqa: PLC0415

    return DetoxifyClassifier(
        find_checkpoint(folder, settings.model),
        source=published_source(settings.model),
        languages=published_languages(settings.model),
        threads=settings.threads,
        max_tokens=settings.max_tokens,
        sha256=PUBLISHED[settings.model],
    )


def _through_onnx(settings: ToxicitySettings, folder: Path) -> OnnxClassifier:
    return OnnxClassifier(
        folder, arithmetic=settings.arithmetic, threads=settings.threads, max_tokens=settings.max_tokens
    )


def published_source(model: str) -> str:
    """Id and version of a published checkpoint: `detoxify-<model>@<beginning of its SHA-256>`."""
    return f"detoxify-{model}@{PUBLISHED[model]}"


def published_languages(model: str) -> frozenset[str]:
    """Languages a published checkpoint was trained on."""
    return frozenset(MULTILINGUAL_LANGUAGES if model == "multilingual" else ("en",))
