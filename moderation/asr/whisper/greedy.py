"""Decode encodings greedily: at each place the most probable token, several utterances in one go.

The decoder reads all its weights for every token. CTranslate2 lays them out anew each time it does; here they lie the
way the processor multiplies them, which takes about half of the time. Behind what was heard the decoder is shown what
the encoder makes of silence, up to a full window, or it would go on inventing: one position for every half second of
it, which counts as often as the positions it stands for.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from moderation.asr.whisper import graph
from moderation.asr.whisper.spoken import Array, Spoken
from moderation.asr.whisper.weights import WhisperWeights
from moderation.errors import InvariantViolation

STRIDE = 25
"""Positions of silence, half a second, that one of them stands for."""
LANES = 64
"""What is looked at is filled up to a multiple of this: kernels then sum it in one order, whatever is beside it."""


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """An encoding, shape (1, positions, width), the tokens that the text follows, and how long it may get.

    The positions are a multiple of `STRIDE`.
    """

    encoding: Array = field(repr=False)
    prompt: tuple[int, ...]
    most_tokens: int


class GreedyDecoder:
    """The decoder of one model. Thread-safe; calls block, mostly without the GIL."""

    def __init__(self, folder: Path, silence: Array, *, end_of_text: int, no_speech: int | None, threads: int) -> None:
        """Read and convert the weights of the model in a faster-whisper folder; takes about a second.

        `silence` is the encoding of a full window of it, shape (1, positions, width).

        Raises:
            ConfigurationError: the folder is not a model in CTranslate2's present format.
        """
        weights = WhisperWeights(folder / "model.bin")
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
        self.places_of_silence = silence.shape[1] // STRIDE
        places = silence[0, STRIDE // 2 :: STRIDE][: self.places_of_silence]
        looked_at = graph.keys_and_values(weights, places, sums_fit=_sums_fit())
        self._keys_and_values = _session(looked_at, threads)
        self._step = _session(graph.step(weights, self.aligned_layers), threads)
        self._choice = _session(graph.choice(weights, self.suppressed), threads)
        self._told = [output.name for output in self._step.get_outputs()]

    def decode(self, requests: Sequence[Request]) -> list[Spoken]:
        """Decode encodings behind prompts of one length. Each comes out as it would alone, to the last bit."""
        batch = _Batch(self, requests)
        while batch.rows:
            batch.advance()
        return [utterance.spoken() for utterance in batch.utterances]

    def look_at(self, encoding: Array, keys: Sequence[Array], values: Sequence[Array]) -> None:
        """Compute what cross attention looks at, for one utterance, into arrays of shape (1, heads, …), one a layer."""
        heard, seen = encoding.shape[1], values[0].shape[2]
        start = heard // STRIDE
        binding = self._keys_and_values.io_binding()
        binding.bind_cpu_input("encoding", encoding)
        binding.bind_cpu_input("behind", np.array([start, start + seen - heard]))
        for kind, arrays in (("keys", keys), ("values", values)):
            for layer, array in enumerate(arrays):
                binding.bind_output(f"{kind}_{layer}", "cpu", 0, np.float32, array.shape, array.ctypes.data)
        self._keys_and_values.run_with_iobinding(binding)

    def embedded(self, tokens: Sequence[int], place: int) -> Array:
        """The tokens of a batch at a place in their texts, shape (batch, 1, width)."""
        return np.asarray(self._embeddings[list(tokens), None].astype(np.float32) + self._places[place])

    def step(self, feeds: dict[str, Any]) -> dict[str, Any]:
        """Run the step graph."""
        return dict(zip(self._told, self._step.run_with_ort_values(self._told, feeds), strict=True))

    def logits(self, state: Any) -> Array:
        """Shape (batch, vocabulary)."""
        (logits,) = self._choice.run_with_ort_values(["logits"], {"state": state})
        return np.asarray(logits.numpy()[:, 0, : self.vocabulary])

    def choose(self, state: Any) -> tuple[npt.NDArray[np.int64], Array]:
        """The most probable tokens, and how probable they are; shape (batch,) each."""
        best, probability = self._choice.run_with_ort_values(["best", "probability"], {"state": state})
        return best.numpy()[:, 0], probability.numpy()[:, 0]

    def choose_first(self, state: Any) -> tuple[npt.NDArray[np.int64], Array]:
        """The same for the token that begins a text."""
        logits = self.logits(state)
        logits[:, self.suppressed + self.suppressed_first] = -np.inf
        best = logits.argmax(axis=-1)
        rows = np.arange(len(logits))
        return best, _softmax(logits)[rows, best]


class _Utterance:
    """An utterance that is being decoded."""

    def __init__(self, decoder: GreedyDecoder, request: Request, keys: Sequence[Array]) -> None:
        """`keys` has an array for each layer, of shape (heads, width of a head, positions)."""
        self._decoder = decoder
        self._request = request
        heard = request.encoding.shape[1]
        self._keys = np.stack([keys[layer][head, :, :heard] for layer, head in decoder.aligned_heads])
        self._queries: list[Array] = []
        self._tokens: list[int] = []
        self._probabilities: list[float] = []
        self.no_speech_probability = 0.0

    @property
    def is_done(self) -> bool:
        most = self._request.most_tokens
        return bool(self._tokens) and (self._tokens[-1] == self._decoder.end_of_text or len(self._tokens) >= most)

    def token_at(self, place: int) -> int:
        said = place - len(self._request.prompt)
        return self._request.prompt[place] if said < 0 else self._tokens[said]

    def say(self, token: int, probability: float, queries: Array) -> None:
        self._tokens.append(token)
        self._probabilities.append(probability)
        self._queries.append(queries)

    def spoken(self) -> Spoken:
        decoder = self._decoder
        shape = (len(self._tokens), len(decoder.aligned_layers), decoder.heads, decoder.head_width)
        queries = np.concatenate(self._queries).reshape(shape)
        asked = [queries[:, decoder.aligned_layers.index(layer), head] for layer, head in decoder.aligned_heads]
        return Spoken(
            tokens=tuple(self._tokens),
            probabilities=np.array(self._probabilities, dtype=np.float32),
            no_speech_probability=self.no_speech_probability,
            queries=np.stack(asked),
            keys=self._keys,
        )


class _Batch:
    """Utterances that are decoded together, and what the decoder remembers of each."""

    def __init__(self, decoder: GreedyDecoder, requests: Sequence[Request]) -> None:
        prompts = {len(request.prompt) for request in requests}
        if len(prompts) != 1:
            raise InvariantViolation("utterances with prompts of several lengths were to be decoded together")
        self._decoder = decoder
        self._prompt_length = prompts.pop()
        self._place = 0
        emphases = [_emphasis(request.encoding.shape[1], decoder.places_of_silence) for request in requests]
        width, size, seen = decoder.head_width, len(requests), max(map(len, emphases))
        names = range(decoder.layers)
        keys = [np.empty((size, decoder.heads, width, seen), dtype=np.float32) for _ in names]
        values = [np.empty((size, decoder.heads, seen, width), dtype=np.float32) for _ in names]
        emphasis = np.full((size, 1, 1, seen), -np.inf, dtype=np.float32)
        for row, request in enumerate(requests):
            one = slice(row, row + 1)
            decoder.look_at(request.encoding, [key[one] for key in keys], [value[one] for value in values])
            emphasis[row, ..., : len(emphases[row])] = emphases[row]
        self.utterances = [
            _Utterance(decoder, request, [key[row] for key in keys]) for row, request in enumerate(requests)
        ]
        self.rows = list(self.utterances)
        """Those that are still being decoded, and some that are not, in the order of the arrays."""
        self._memory: dict[str, Any] = {}
        self._remember("emphasis", emphasis)
        for layer in names:
            self._remember(f"keys_{layer}", keys[layer])
            self._remember(f"values_{layer}", values[layer])
            self._remember(f"past_keys_{layer}", np.empty((size, decoder.heads, width, 0), dtype=np.float32))
            self._remember(f"past_values_{layer}", np.empty((size, decoder.heads, 0, width), dtype=np.float32))

    def _remember(self, name: str, array: Array) -> None:
        self._memory[name] = ort.OrtValue.ortvalue_from_numpy(array)

    def advance(self) -> None:
        """Hand in one more token of each, and take the next where the prompt is over."""
        decoder, place = self._decoder, self._place
        tokens = decoder.embedded([row.token_at(place) if not row.is_done else 0 for row in self.rows], place)
        told = decoder.step(self._memory | {"token": ort.OrtValue.ortvalue_from_numpy(tokens)})
        for layer in range(decoder.layers):
            for kind in ("keys", "values"):
                self._memory[f"past_{kind}_{layer}"] = told[f"next_{kind}_{layer}"]
        self._place += 1
        if place == 0:
            self._hear_speech(told["state"])
        if place >= self._prompt_length - 1:
            self._say(told, is_first=place == self._prompt_length - 1)
            self._drop_done()

    def _hear_speech(self, state: Any) -> None:
        decoder = self._decoder
        if decoder.no_speech is not None:
            chances = _softmax(decoder.logits(state))[:, decoder.no_speech]
            for row, chance in zip(self.rows, chances, strict=True):
                row.no_speech_probability = float(chance)

    def _say(self, told: dict[str, Any], *, is_first: bool) -> None:
        decoder = self._decoder
        best, probabilities = decoder.choose_first(told["state"]) if is_first else decoder.choose(told["state"])
        queries = told["queries"].numpy()
        for row, token, probability, asked in zip(self.rows, best, probabilities, queries, strict=True):
            if not row.is_done:
                row.say(int(token), float(probability), asked)

    def _drop_done(self) -> None:
        """Go on with those that are not done, once they are few enough to be worth the copying."""
        going = [n for n, row in enumerate(self.rows) if not row.is_done]
        if 2 * len(going) > len(self.rows):
            return
        self.rows = [self.rows[n] for n in going]
        if going:
            for name, value in self._memory.items():
                self._remember(name, np.ascontiguousarray(value.numpy()[going]))


def _emphasis(heard: int, places_of_silence: int) -> Array:
    """The logarithm of how often each position counts that is looked at: what was heard, silence, and what fills up."""
    silence = places_of_silence - heard // STRIDE
    seen = heard + silence
    emphasis = np.full(seen + -seen % LANES, -np.inf, dtype=np.float32)
    emphasis[:heard] = 0
    emphasis[heard:seen] = math.log(STRIDE)
    return emphasis


def _softmax(logits: Array) -> Array:
    weighed = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(weighed / weighed.sum(axis=-1, keepdims=True))


def _sums_fit() -> bool:
    rows = np.full((1, graph.PROBE_SIDE), np.iinfo(np.uint8).max, dtype=np.uint8)
    (sums,) = _session(graph.probe(), 1).run(None, {"rows": rows})
    return bool((sums == graph.LARGEST_SUM).all())


def _session(model: bytes, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
