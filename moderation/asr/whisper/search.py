"""Find the text of an encoding."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime as ort

from moderation.asr.whisper.decoder import Next, OnnxDecoder
from moderation.asr.whisper.encoding import Array, Encoding
from moderation.asr.whisper.hypotheses import Beam
from moderation.asr.whisper.spoken import Spoken


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """What to decode, the tokens that the text follows, how long it may get, and how many texts to follow at most."""

    encoding: Encoding
    prompt: tuple[int, ...]
    most_tokens: int
    beam: int


def decode(decoder: OnnxDecoder, request: Request) -> Spoken:
    """Decode one encoding."""
    texts = _Texts(decoder, request.encoding)
    no_speech_probability = 0.0
    for place, token in enumerate(request.prompt):
        texts.say([token])
        if place == 0 and decoder.no_speech is not None:
            no_speech_probability = decoder.probability_of(decoder.no_speech, texts.state)
    asked = [texts.queries]
    beam = Beam(width=request.beam, end_of_text=decoder.end_of_text, most_tokens=request.most_tokens)
    beam = _grown(beam, decoder.first(texts.state))
    while not beam.is_done:
        texts.keep([hypothesis.row for hypothesis in beam.open])
        texts.say([hypothesis.token for hypothesis in beam.open])
        asked.append(texts.queries)
        beam = _grown(beam, decoder.following(texts.state))
    path = beam.best().path()
    return Spoken(
        tokens=tuple(step.token for step in path),
        probabilities=np.exp(np.array([step.log_probability for step in path], dtype=np.float32)),
        no_speech_probability=no_speech_probability,
        queries=decoder.aligning(np.stack([told[step.row] for step, told in zip(path, asked, strict=False)])),
        keys=texts.keys,
    )


def _grown(beam: Beam, following: Next) -> Beam:
    tokens, probabilities = following
    with np.errstate(divide="ignore"):
        return beam.grown(tokens, np.log(probabilities.astype(np.float64)))


class _Texts:
    """Texts of one length on one encoding, and what the decoder remembers of each, in rows."""

    def __init__(self, decoder: OnnxDecoder, encoding: Encoding) -> None:
        self._decoder = decoder
        self._place = 0
        self._rows = 1
        self.state: Any = None
        self.queries = np.empty(0, dtype=np.float32)
        keys, values = decoder.look_at(encoding.output)
        self.keys = np.stack([keys[layer][0, head] for layer, head in decoder.aligned_heads])
        no_keys = np.empty((1, decoder.heads, decoder.head_width, 0), dtype=np.float32)
        no_values = np.empty((1, decoder.heads, 0, decoder.head_width), dtype=np.float32)
        self._seen: dict[str, Any] = {"emphasis": _value(encoding.counts[None, None, None])}
        self._past: dict[str, Any] = {}
        for layer in range(decoder.layers):
            self._seen[f"keys_{layer}"] = _value(keys[layer])
            self._seen[f"values_{layer}"] = _value(values[layer])
            self._past[f"past_keys_{layer}"] = _value(no_keys)
            self._past[f"past_values_{layer}"] = _value(no_values)

    def say(self, tokens: Sequence[int]) -> None:
        """One more token each."""
        token = _value(self._decoder.embedded(tokens, self._place))
        told = self._decoder.step(self._seen | self._past | {"token": token})
        self._past = {name: told[name.replace("past", "next")] for name in self._past}
        self._place += 1
        self.state = told["state"]
        self.queries = told["queries"].numpy()[:, 0]

    def keep(self, rows: list[int]) -> None:
        """Go on with the texts in these rows, in this order; with one as often as it is named."""
        if rows != list(range(self._rows)):
            self._past = {name: _value(past.numpy()[rows]) for name, past in self._past.items()}
        self._rows = len(rows)


def _value(array: Array) -> Any:
    return ort.OrtValue.ortvalue_from_numpy(array)
