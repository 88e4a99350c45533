"""Toxicity through ONNX Runtime: the default back-end. Imports neither torch nor transformers."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from moderation.errors import ConfigurationError, ModelMissing
from moderation.toxicity.manifest import MODEL_FILE, TOKENIZER_FILE, exposed_labels, read_manifest
from moderation.toxicity.windows import highest, windows

_BATCH = 16
_LEAST_TOKENS = 8


class OnnxClassifier:
    """A model folder as `moderation.toxicity.export` and `moderation.toxicity.train` write it.

    Windows of equal length are scored together, without padding, so that a text's scores do not depend on its
    neighbours; models with int8 arithmetic are run one window at a time for the same reason. Thread-safe: ONNX
    Runtime's sessions and the tokenizer are shared and never changed.
    """

    def __init__(self, folder: Path, *, threads: int, max_tokens: int) -> None:
        """Load the model.

        Raises:
            ModelMissing: the folder lacks the model or its tokenizer.
            ConfigurationError: its manifest is malformed, or `max_tokens` does not fit the model.
        """
        for name in (MODEL_FILE, TOKENIZER_FILE):
            if not (folder / name).is_file():
                raise ModelMissing(
                    f"{folder / name} is missing: install the model with `moderation models fetch`, or export a "
                    "checkpoint with `python -m moderation.toxicity.export`"
                )
        self._manifest = read_manifest(folder)
        if not _LEAST_TOKENS <= max_tokens <= self._manifest.max_positions:
            raise ConfigurationError(
                f"MODERATION_TOXICITY__MAX_TOKENS is {max_tokens}: {self._manifest.source} takes "
                f"{_LEAST_TOKENS} to {self._manifest.max_positions}"
            )
        self._positions = exposed_labels(self._manifest.classes)
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens)
        self._window = max_tokens - self._tokenizer.num_special_tokens_to_add(is_pair=False)
        self._unlimited = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        self._unlimited.no_padding()
        self._unlimited.no_truncation()
        self._session = _session(folder / MODEL_FILE, threads)
        self._batch = 1 if self._manifest.arithmetic == "int8" else _BATCH

    @property
    def source(self) -> str:
        """Model id and version."""
        return self._manifest.source

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that `score` gives."""
        return tuple(self._positions)

    @property
    def languages(self) -> frozenset[str]:
        """Languages the model was trained on."""
        return frozenset(self._manifest.languages)

    def score(self, texts: Sequence[str]) -> list[Mapping[str, float]]:
        """Score texts; see the Protocol."""
        pieces = [(index, piece) for index, text in enumerate(texts) for piece in self._windows(text)]
        found: defaultdict[int, list[dict[str, float]]] = defaultdict(list)
        for at, probabilities in self._run([piece for _, piece in pieces]):
            row = {label: float(probabilities[position]) for label, position in self._positions.items()}
            found[pieces[at][0]].append(row)
        return [highest(found[index], self.labels) for index in range(len(texts))]

    def _windows(self, text: str) -> list[str]:
        return windows(text, self._offsets, self._window) if text.strip() else []

    def _offsets(self, text: str) -> list[tuple[int, int]]:
        return self._unlimited.encode(text, add_special_tokens=False).offsets

    def _run(self, pieces: list[str]) -> Iterator[tuple[int, Any]]:
        """(position in `pieces`, probabilities of all classes), in no particular order."""
        by_length: defaultdict[int, list[tuple[int, list[int]]]] = defaultdict(list)
        for at, encoding in enumerate(self._tokenizer.encode_batch(pieces) if pieces else ()):
            by_length[len(encoding.ids)].append((at, encoding.ids))
        for same in by_length.values():
            for start in range(0, len(same), self._batch):
                part = same[start : start + self._batch]
                ids = np.array([ids for _, ids in part], dtype=np.int64)
                (scores,) = self._session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
                yield from zip((at for at, _ in part), np.clip(scores, 0.0, 1.0), strict=True)


def _session(path: Path, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
