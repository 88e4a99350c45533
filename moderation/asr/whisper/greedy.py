"""Decode encodings greedily: at each place the most probable token.

The decoder reads all its weights for every token. CTranslate2 lays them out anew each time it does; here they lie the
way the processor multiplies them, which takes less than half of the time. Reading them once for several utterances
would save little more, and the rounding would then depend on who is decoded beside whom.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from moderation.asr.whisper.decoder_graph import choice, keys_and_values, step
from moderation.asr.whisper.encoding import Array, Encoding
from moderation.asr.whisper.onnx_session import session, widest_weight
from moderation.asr.whisper.spoken import Spoken
from moderation.asr.whisper.weights import WhisperWeights


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """What to decode, the tokens that the text follows, and how long it may get."""

    encoding: Encoding
    prompt: tuple[int, ...]
    most_tokens: int


class GreedyDecoder:
    """The decoder of one model. Thread-safe; calls block, mostly without the GIL."""

    def __init__(
        self, folder: Path, weights: WhisperWeights, *, end_of_text: int, no_speech: int | None, threads: int
    ) -> None:
        """Convert the weights of the model in a faster-whisper folder; takes about a second.

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
        self._choice = session(choice(weights, self.suppressed), threads)
        self._told = [output.name for output in self._step.get_outputs()]

    def decode(self, request: Request) -> Spoken:
        """Decode one encoding."""
        text = _Text(self, request)
        while not text.is_done:
            text.advance()
        return text.spoken()

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

    def embedded(self, token: int, place: int) -> Array:
        """The token at a place in its text, shape (1, 1, width)."""
        return np.asarray(self._embeddings[token].astype(np.float32) + self._places[place])[None, None]

    def step(self, feeds: dict[str, Any]) -> dict[str, Any]:
        """Run the step graph."""
        return dict(zip(self._told, self._step.run_with_ort_values(self._told, feeds), strict=True))

    def logits(self, state: Any) -> Array:
        """Shape (vocabulary,)."""
        (logits,) = self._choice.run_with_ort_values(["logits"], {"state": state})
        return np.asarray(logits.numpy()[0, 0, : self.vocabulary])

    def choose(self, state: Any) -> tuple[int, float]:
        """The most probable token, and how probable it is."""
        best, probability = self._choice.run_with_ort_values(["best", "probability"], {"state": state})
        return int(best.numpy()[0, 0]), float(probability.numpy()[0, 0])

    def choose_first(self, state: Any) -> tuple[int, float]:
        """The same for the token that begins a text."""
        logits = self.logits(state)
        logits[self.suppressed + self.suppressed_first] = -np.inf
        best = int(logits.argmax())
        return best, float(_softmax(logits)[best])


class _Text:
    """A text that is being decoded, and what the decoder remembers of it."""

    def __init__(self, decoder: GreedyDecoder, request: Request) -> None:
        self._decoder = decoder
        self._request = request
        self._queries: list[Array] = []
        self._tokens: list[int] = []
        self._probabilities: list[float] = []
        self._place = 0
        self._no_speech_probability = 0.0
        keys, values = decoder.look_at(request.encoding.output)
        self._keys = np.stack([keys[layer][0, head] for layer, head in decoder.aligned_heads])
        self._memory: dict[str, Any] = {"emphasis": _value(request.encoding.counts[None, None, None])}
        no_keys = np.empty((1, decoder.heads, decoder.head_width, 0), dtype=np.float32)
        no_values = np.empty((1, decoder.heads, 0, decoder.head_width), dtype=np.float32)
        for layer in range(decoder.layers):
            self._memory[f"keys_{layer}"] = _value(keys[layer])
            self._memory[f"values_{layer}"] = _value(values[layer])
            self._memory[f"past_keys_{layer}"] = _value(no_keys)
            self._memory[f"past_values_{layer}"] = _value(no_values)

    @property
    def is_done(self) -> bool:
        most = self._request.most_tokens
        return bool(self._tokens) and (self._tokens[-1] == self._decoder.end_of_text or len(self._tokens) >= most)

    def advance(self) -> None:
        """Hand in one more token, and take the next where the prompt is over."""
        decoder, place, first = self._decoder, self._place, len(self._request.prompt) - 1
        token = self._request.prompt[place] if place <= first else self._tokens[-1]
        told = decoder.step(self._memory | {"token": _value(decoder.embedded(token, place))})
        for layer in range(decoder.layers):
            for kind in ("keys", "values"):
                self._memory[f"past_{kind}_{layer}"] = told[f"next_{kind}_{layer}"]
        self._place += 1
        if place == 0 and decoder.no_speech is not None:
            self._no_speech_probability = float(_softmax(decoder.logits(told["state"]))[decoder.no_speech])
        if place >= first:
            choose = decoder.choose_first if place == first else decoder.choose
            best, probability = choose(told["state"])
            self._tokens.append(best)
            self._probabilities.append(probability)
            self._queries.append(told["queries"].numpy()[0])

    def spoken(self) -> Spoken:
        decoder = self._decoder
        shape = (len(self._tokens), len(decoder.aligned_layers), decoder.heads, decoder.head_width)
        queries = np.concatenate(self._queries).reshape(shape)
        asked = [queries[:, decoder.aligned_layers.index(layer), head] for layer, head in decoder.aligned_heads]
        return Spoken(
            tokens=tuple(self._tokens),
            probabilities=np.array(self._probabilities, dtype=np.float32),
            no_speech_probability=self._no_speech_probability,
            queries=np.stack(asked),
            keys=self._keys,
        )


def _value(array: Array) -> Any:
    return ort.OrtValue.ortvalue_from_numpy(array)


def _softmax(logits: Array) -> Array:
    weighed = np.exp(logits - logits.max())
    return np.asarray(weighed / weighed.sum())
