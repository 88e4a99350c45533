"""Toxicity through Detoxify itself: the reference that ONNX Runtime is compared with."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from moderation.toxicity.checkpoint import offline_checkpoint
from moderation.toxicity.manifest import exposed_labels
from moderation.toxicity.windows import encodable, highest, windows

_MAX_POSITIONS = 512


class DetoxifyClassifier:
    """A Detoxify checkpoint run by `detoxify.Detoxify`. Calls are serialised by a lock (its tokenizer is not shared).

    The number of torch threads is a property of the process: `threads` sets it for everything in it.
    """

    def __init__(
        self,
        checkpoint: Path,
        *,
        source: str,
        languages: frozenset[str],
        threads: int,
        max_tokens: int,
        sha256: str | None = None,
    ) -> None:
        """Load the checkpoint.

        Args:
            checkpoint: the `.ckpt`, with `config.json` and the tokenizer's files beside it or in `tokenizer/` there.
            source: model id and version.
            languages: primary tags of the languages it was trained on.
            threads: CPU threads.
            max_tokens: longest window, special tokens included.
            sha256: expected digest or its beginning; None takes it from the file's name or from `.sha256` beside it.

        Raises:
            ConfigurationError: the file cannot be verified or is not a Detoxify checkpoint.
        """
        with offline_checkpoint(checkpoint, sha256) as local:
            self._detoxify = _load(local, threads)
        self._source = source
        self._languages = languages
        self._positions = exposed_labels(self._detoxify.class_names)
        self._detoxify.tokenizer.model_max_length = _MAX_POSITIONS
        self._window = min(max_tokens, _MAX_POSITIONS) - self._detoxify.tokenizer.num_special_tokens_to_add()
        self._lock = threading.Lock()

    @property
    def source(self) -> str:
        """Model id and version."""
        return self._source

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that `score` gives."""
        return tuple(self._positions)

    @property
    def languages(self) -> frozenset[str]:
        """Languages the model was trained on."""
        return self._languages

    def score(self, texts: Sequence[str]) -> list[Mapping[str, float]]:
        """Score texts; see the Protocol."""
        with self._lock:
            return [highest(self._predict(text), self.labels) for text in texts]

    def _predict(self, text: str) -> list[dict[str, float]]:
        """One text at a time: padding beside a longer neighbour changes the last digits of its scores."""
        if not text.strip():
            return []
        pieces = windows(encodable(text), self._offsets, self._window)
        return [self._one(self._detoxify.predict(piece)) for piece in pieces]

    def _one(self, predicted: Mapping[str, float]) -> dict[str, float]:
        return {label: min(1.0, max(0.0, float(predicted[label]))) for label in self.labels}

    def _offsets(self, text: str) -> list[tuple[int, int]]:
        encoded = self._detoxify.tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False
        )
        return [(int(start), int(end)) for start, end in encoded["offset_mapping"]]


def _load(checkpoint: Path, threads: int) -> Any:
    import torch  # noqa: PLC0415  heavy, and only this back-end needs it
    from detoxify import Detoxify  # noqa: PLC0415

    torch.set_num_threads(threads)
    loaded = Detoxify(checkpoint=str(checkpoint))
    loaded.model.eval()
    return loaded
