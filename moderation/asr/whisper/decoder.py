"""Whisper's decoder on ONNX Runtime: a token through its layers, and what may follow.

The decoder reads all its weights for every token. CTranslate2 lays them out anew each time it does; here they lie the
way the processor multiplies them, which takes less than half of the time. Reading them once for several utterances
would save little more, and the rounding would then depend on who is decoded beside whom.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from moderation.asr.whisper.decoder_graph import choice, keys_and_values, step
from moderation.asr.whisper.encoding import Array
from moderation.asr.whisper.onnx_session import session, widest_weight
from moderation.asr.whisper.weights import WhisperWeights

Next = tuple[npt.NDArray[np.int64], Array]
"""Tokens that may follow on each of several texts and how probable they are, both of shape (texts, choices)."""


class OnnxDecoder:
    """The decoder of one model. Thread-safe; calls block, mostly without the GIL."""

    def __init__(
        self,
        folder: Path,
        weights: WhisperWeights,
        *,
        end_of_text: int,
        no_speech: int | None,
        choices: int,
        threads: int,
    ) -> None:
        """Convert the weights of the model in a faster-whisper folder; takes about a second.

        `choices` is how many tokens may follow on a text.

        Raises:
            ConfigurationError: the weights are not those of a whole model.
        """
        told = json.loads((folder / "config.json").read_bytes())
        self.end_of_text = end_of_text
        self.no_speech = no_speech
        self.aligned_heads = [(int(layer), int(head)) for layer, head in told["alignment_heads"]]
        self.aligned_layers = sorted({layer for layer, _ in self.aligned_heads})
        self.suppressed = list(told["suppress_ids"])
        self.suppressed_first = list(told["suppress_ids_begin"])
        self.layers, self.heads, self.head_width = weights.layers, weights.heads, weights.width // weights.heads
        self.vocabulary = weights.vocabulary
        self._embeddings = weights.array("decoder/embeddings/weight")
        self._places = weights.float32("decoder/position_encodings/encodings")
        self._keys_and_values = session(keys_and_values(weights, widest=widest_weight()), threads)
        self._step = session(step(weights, self.aligned_layers), threads)
        self.choices = choices
        self._choice = session(choice(weights, self.suppressed, choices), threads)
        self._told = [output.name for output in self._step.get_outputs()]

    def look_at(self, encoding: Array) -> tuple[list[Array], list[Array]]:
        """What each layer looks at: keys (1, heads, width / heads, seen) and values (1, heads, seen, width / heads)."""
        seen = encoding.shape[1]
        keys = [np.empty((1, self.heads, self.head_width, seen), dtype=np.float32) for _ in range(self.layers)]
        values = [np.empty((1, self.heads, seen, self.head_width), dtype=np.float32) for _ in range(self.layers)]
        binding = self._keys_and_values.io_binding()
        binding.bind_cpu_input("encoding", encoding)
        for kind, arrays in (("keys", keys), ("values", values)):
            for layer, array in enumerate(arrays):
                binding.bind_output(f"{kind}_{layer}", "cpu", 0, np.float32, array.shape, array.ctypes.data)
        self._keys_and_values.run_with_iobinding(binding)
        return keys, values

    def embedded(self, tokens: Sequence[int], place: int) -> Array:
        """A token for each of several texts, all at one place, shape (texts, 1, width)."""
        rows = self._embeddings[list(tokens)].astype(np.float32) + self._places[place]
        return np.asarray(rows[:, None])

    def step(self, feeds: dict[str, Any]) -> dict[str, Any]:
        """Run the step graph."""
        return dict(zip(self._told, self._step.run_with_ort_values(self._told, feeds), strict=True))

    def following(self, state: Any) -> Next:
        """What may follow on each text, the most probable first."""
        tokens, probabilities = self._choice.run_with_ort_values(["tokens", "probabilities"], {"state": state})
        return tokens.numpy()[:, 0], probabilities.numpy()[:, 0]

    def first(self, state: Any) -> Next:
        """The same for the token that begins the one text."""
        logits = self._logits(state)
        logits[self.suppressed + self.suppressed_first] = -np.inf
        probabilities = _softmax(logits)
        likely = np.argpartition(probabilities, -self.choices)[-self.choices :]
        tokens = likely[np.argsort(-probabilities[likely])]
        return tokens[None], probabilities[tokens][None]

    def probability_of(self, token: int, state: Any) -> float:
        """How probable it is that the token follows on the one text, were all tokens allowed."""
        return float(_softmax(self._logits(state))[token])

    def aligning(self, queries: Array) -> Array:
        """What the heads that know when tokens were said asked: (tokens, layers * width) to (heads, tokens, width)."""
        by_layer = queries.reshape(len(queries), len(self.aligned_layers), self.heads, self.head_width)
        return np.stack([by_layer[:, self.aligned_layers.index(layer), head] for layer, head in self.aligned_heads])

    def _logits(self, state: Any) -> Array:
        (logits,) = self._choice.run_with_ort_values(["logits"], {"state": state})
        return np.array(logits.numpy()[0, 0, : self.vocabulary])


def _softmax(logits: Array) -> Array:
    weighed = np.exp(logits - logits.max())
    return np.asarray(weighed / weighed.sum())
