"""Toxicity through ONNX Runtime: the default back-end. Imports neither torch nor transformers."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from moderation.errors import ConfigurationError, ModelMissing
from moderation.toxicity.exact_sums import LARGEST_SUMS, are_exact
from moderation.toxicity.manifest import TOKENIZER_FILE, Arithmetic, exposed_labels, model_file, read_manifest
from moderation.toxicity.windows import encodable, highest, windows

_BATCH = 16
_LEAST_TOKENS = 8


class OnnxClassifier:
    """A model folder as `moderation.toxicity.export` and `moderation.toxicity.train` write it.

    Windows of equal length are scored together, without padding, so that a text's scores do not depend on its
    neighbours. Thread-safe: ONNX Runtime's sessions and the tokenizer are shared and never changed.
    """

    def __init__(self, folder: Path, *, arithmetic: Arithmetic, threads: int, max_tokens: int) -> None:
        """Load the model.

        Args:
            folder: the graph for this arithmetic, the tokenizer and the manifest.
            arithmetic: what matrix products are computed in; `source` tells int8 from float32. Where the processor's
                int8 sums are not exact, float32 takes its place.
            threads: CPU threads.
            max_tokens: longest window, special tokens included.

        Raises:
            ModelMissing: the folder lacks the model or its tokenizer.
            ConfigurationError: its manifest is malformed, or `max_tokens` does not fit the model.
        """
        _require(folder / model_file(arithmetic))
        _require(folder / TOKENIZER_FILE)
        self._manifest = read_manifest(folder)
        if not _LEAST_TOKENS <= max_tokens <= self._manifest.max_positions:
            raise ConfigurationError(
                f"MODERATION_TOXICITY__MAX_TOKENS is {max_tokens}: {self._manifest.source} takes "
                f"{_LEAST_TOKENS} to {self._manifest.max_positions}"
            )
        self._session, used = _open(folder, arithmetic, threads)
        self._source = self._manifest.source_in(used)
        self._positions = exposed_labels(self._manifest.classes)
        self._max_tokens = max_tokens
        self._tokenizer = _tokenizer(folder)
        self._truncating = _tokenizer(folder)
        self._truncating.enable_truncation(max_tokens)
        self._window = max_tokens - self._tokenizer.num_special_tokens_to_add(is_pair=False)

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
        return frozenset(self._manifest.languages)

    def score(self, texts: Sequence[str]) -> list[Mapping[str, float]]:
        """Score texts; see the Protocol."""
        pieces = [(index, ids) for index, text in enumerate(texts) for ids in self._tokens(text)]
        found: defaultdict[int, list[dict[str, float]]] = defaultdict(list)
        for index, probabilities in self._run(pieces):
            found[index].append({label: probabilities[position] for label, position in self._positions.items()})
        return [highest(found[index], self.labels) for index in range(len(texts))]

    def _tokens(self, text: str) -> list[list[int]]:
        """The token ids of each window."""
        if not text.strip():
            return []
        text = encodable(text)
        whole: list[int] = self._tokenizer.encode(text).ids
        if len(whole) <= self._max_tokens:
            return [whole]
        return [self._truncating.encode(piece).ids for piece in windows(text, self._offsets, self._window)]

    def _offsets(self, text: str) -> list[tuple[int, int]]:
        offsets: list[tuple[int, int]] = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return offsets

    def _run(self, pieces: Sequence[tuple[int, list[int]]]) -> Iterator[tuple[int, list[float]]]:
        """Each piece's index with the probabilities of all classes, in no particular order."""
        by_length: defaultdict[int, list[tuple[int, list[int]]]] = defaultdict(list)
        for index, ids in pieces:
            by_length[len(ids)].append((index, ids))
        for same in by_length.values():
            for start in range(0, len(same), _BATCH):
                part = same[start : start + _BATCH]
                (scores,) = self._session.run(
                    ["scores"], {"input_ids": np.array([ids for _, ids in part], dtype=np.int64)}
                )
                yield from zip((index for index, _ in part), scores.clip(0.0, 1.0).tolist(), strict=True)


def _tokenizer(folder: Path) -> Any:
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _require(path: Path) -> None:
    if not path.is_file():
        raise ModelMissing(
            f"{path} is missing: install the model with `moderation models fetch`, or export a checkpoint with "
            "`python -m moderation.toxicity.export`"
        )


def _open(folder: Path, arithmetic: Arithmetic, threads: int) -> tuple[Any, Arithmetic]:
    """The graph for an arithmetic, or the one in float32 where int8 would be inexact; and which it is."""
    session = _session(folder / model_file(arithmetic), threads)
    if arithmetic == "float32" or are_exact(*session.run([LARGEST_SUMS], {"input_ids": np.zeros((1, 3), np.int64)})):
        return session, arithmetic
    _require(folder / model_file("float32"))
    return _session(folder / model_file("float32"), threads), "float32"


def _session(path: Path, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
