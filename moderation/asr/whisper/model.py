"""A loaded Whisper model: audio to encodings, encodings to text, times and languages.

What is decoded without chance on a processor in 8 bits is encoded by `encoder` and decoded by `search`; all else is
CTranslate2's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import ctranslate2
import numpy as np
import tokenizers
from faster_whisper.tokenizer import Tokenizer

from moderation.asr.engine import Samples
from moderation.asr.recognition import SAMPLE_RATE_HZ
from moderation.asr.whisper.alignment import alignment
from moderation.asr.whisper.decoder import OnnxDecoder
from moderation.asr.whisper.encoder import ShortEncoder
from moderation.asr.whisper.encoding import Encoding
from moderation.asr.whisper.features import LogMel
from moderation.asr.whisper.languages import tag_of, whisper_code
from moderation.asr.whisper.quality import Attempt, most_tokens
from moderation.asr.whisper.search import Request, decode
from moderation.asr.whisper.spoken import Spoken
from moderation.asr.whisper.weights import WhisperWeights
from moderation.asr.whisper.window import window_s
from moderation.asr.whisper.words import WordTokens, timed_words, words_of
from moderation.errors import ConfigurationError
from moderation.events import Word

_SAMPLES_PER_FRAME = 160
_FRAMES_PER_POSITION = 2
_FEWEST_ALIGNED_FRAMES = 50
_NEEDED_FILES = ("model.bin", "config.json", "tokenizer.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How to look for the text: with so many hypotheses; at `temperature` above 0 it is sampled instead."""

    beam: int
    temperature: float = 0.0

    @property
    def is_sampled(self) -> bool:
        return self.temperature > 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoding:
    """An encoding to be decoded."""

    encoding: Encoding
    language: str
    search: Search

    @property
    def kind(self) -> tuple[int, Search]:
        """Decodings of one kind can be decoded together."""
        return self.encoding.output.shape[1], self.search


class WhisperModel:
    """Thread-safe: CTranslate2 queues the calls and runs up to `workers` of them at once, without the GIL."""

    def __init__(
        self,
        folder: Path,
        *,
        device: str,
        compute_type: str,
        threads: int,
        workers: int,
        decoder: Literal["onnxruntime", "ctranslate2"] = "onnxruntime",
        widest_beam: int = 5,
    ) -> None:
        """Load the model in a faster-whisper folder.

        `decoder` decodes what is not sampled; where the model does not run on a processor in 8 bits, CTranslate2 always
        does. `widest_beam` is the most hypotheses that will be asked for.

        Raises:
            ConfigurationError: the folder is not a model, or it cannot run on this device in this compute type.
        """
        missing = [name for name in _NEEDED_FILES if not (folder / name).is_file()]
        if missing:
            raise ConfigurationError(
                f"{folder} is not a Whisper model: {', '.join(missing)} missing; see `moderation models verify`"
            )
        try:
            self._model = ctranslate2.models.Whisper(
                str(folder), device=device, compute_type=compute_type, inter_threads=workers, intra_threads=threads
            )
        except (RuntimeError, ValueError) as error:
            raise ConfigurationError(
                f"the Whisper model in {folder} cannot be loaded on {device} as {compute_type} ({error}); see "
                "MODERATION_ASR__WHISPER_DEVICE, MODERATION_ASR__WHISPER_COMPUTE_TYPE and `moderation models verify`"
            ) from error
        self._pieces = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._features = LogMel(self._model.n_mels)
        special = Tokenizer(self._pieces, multilingual=False)
        self._end_of_text: int = special.eot
        self.is_multilingual: bool = self._model.is_multilingual
        self._short: ShortEncoder | None = None
        self._decoder: OnnxDecoder | None = None
        if decoder == "onnxruntime" and self._model.device == "cpu" and compute_type.startswith("int8"):
            weights = WhisperWeights(folder / "model.bin")
            self._short = ShortEncoder(weights, self._features, threads=threads)
            self._decoder = OnnxDecoder(
                folder,
                weights,
                end_of_text=special.eot,
                no_speech=special.no_speech,
                choices=widest_beam,
                threads=threads,
            )
            weights.forget()
        self.languages = self._languages()

    def _languages(self) -> frozenset[str]:
        if not self.is_multilingual:
            return frozenset({"en"})
        codes = (token[2:-2] for token in self._pieces.get_vocab() if token.startswith("<|") and token.endswith("|>"))
        # Language tokens are the special tokens of two or three letters: <|en|>, <|haw|>.
        return frozenset(tag_of(code) for code in codes if code.isalpha() and len(code) in (2, 3))

    def encode_for(self, samples: Samples, search: Search) -> Encoding:
        """Encode the audio as cheaply as it can be decoded with this search. Blocks."""
        if self._short is not None and not search.is_sampled:
            return self._short.encode(samples)
        return self.encode(samples, window_s(len(samples)))

    def encode(self, samples: Samples, window_s: int) -> Encoding:
        """Encode the audio, followed by silence, in a window of so many seconds. Blocks."""
        features = ctranslate2.StorageView.from_array(self._features(samples, window_s))
        encoded = self._model.encode(features, to_cpu=True)
        return Encoding(np.asarray(encoded), min(len(samples), window_s * SAMPLE_RATE_HZ))

    def decodes_alone(self, search: Search) -> bool:
        """Whether decoding several together would save nothing."""
        return self._decoder is not None and not search.is_sampled

    def generate(self, decodings: Sequence[Decoding]) -> list[Attempt]:
        """Decode once, all together; they are of one kind. Blocks.

        Each attempt is what it would be alone, to the last bit (not where it is sampled).
        """
        decoder = self._decoder
        if decoder is not None and not decodings[0].search.is_sampled:
            return [self._attempt_of(decode(decoder, self._request(decoding))) for decoding in decodings]
        attempts = self._generate(decodings)
        # Alone, one that goes round in circles would have been stopped at its own limit.
        return [
            self._generate([decoding])[0] if attempt.reached_limit and len(decodings) > 1 else attempt
            for decoding, attempt in zip(decodings, attempts, strict=True)
        ]

    def _request(self, decoding: Decoding) -> Request:
        prompt = tuple(self._prompt(decoding.language))
        return Request(decoding.encoding, prompt, self._most_tokens(decoding), decoding.search.beam)

    def _attempt_of(self, spoken: Spoken) -> Attempt:
        text_tokens = tuple(token for token in spoken.tokens if token < self._end_of_text)
        return Attempt(
            tokens=text_tokens,
            text=self._decode(text_tokens).strip(),
            average_log_probability=float(np.log(spoken.probabilities).mean()),
            no_speech_probability=spoken.no_speech_probability,
            reached_limit=spoken.tokens[-1] != self._end_of_text,
            spoken=spoken,
        )

    def _generate(self, decodings: Sequence[Decoding]) -> list[Attempt]:
        search = decodings[0].search
        options: dict[str, Any] = {"beam_size": search.beam}
        if search.temperature > 0:
            options = {"beam_size": 1, "sampling_topk": 0, "sampling_temperature": search.temperature}
        prompts = [self._prompt(decoding.language) for decoding in decodings]
        limits = [self._most_tokens(decoding) for decoding in decodings]
        results = self._model.generate(
            _stored([decoding.encoding for decoding in decodings]),
            prompts,
            # CTranslate2 ends the text at half of this, as Whisper does with its 448 positions.
            max_length=2 * max(limits),
            return_scores=True,
            return_no_speech_prob=True,
            **options,
        )
        return [self._attempt(result, most) for result, most in zip(results, limits, strict=True)]

    def _most_tokens(self, decoding: Decoding) -> int:
        audio_s = decoding.encoding.audio_samples / SAMPLE_RATE_HZ
        return most_tokens(audio_s, english_only=not self.is_multilingual)

    def _attempt(self, result: Any, most: int) -> Attempt:
        generated = result.sequences_ids[0]
        text_tokens = tuple(token for token in generated if token < self._end_of_text)
        return Attempt(
            tokens=text_tokens,
            text=self._decode(text_tokens).strip(),
            # The score is the mean over the text; the end-of-text token counts too.
            average_log_probability=result.scores[0] * len(generated) / (len(generated) + 1),
            no_speech_probability=result.no_speech_prob,
            reached_limit=len(generated) >= most,
        )

    def _prompt(self, language: str) -> list[int]:
        tokens = self._tokenizer(language)
        return [*tokens.sot_sequence, tokens.no_timestamps]

    def split(self, tokens: Sequence[int]) -> list[WordTokens]:
        """The words that tokens spell."""
        return words_of(tokens, self._decode)

    def align(
        self, attempt: Attempt, encoding: Encoding, language: str, words: Sequence[WordTokens], offset_ms: int
    ) -> list[Word]:
        """When each of `words`, all or some of the attempt's, was said, counted from `offset_ms`. Blocks."""
        if not words:
            return []
        frames = max(encoding.audio_samples // _SAMPLES_PER_FRAME, _FEWEST_ALIGNED_FRAMES)
        if attempt.spoken is not None:
            return self._align_spoken(attempt.spoken, words, frames // _FRAMES_PER_POSITION, offset_ms)
        text = [token for word in words for token in word.tokens]
        result = self._model.align(_stored([encoding]), self._tokenizer(language).sot_sequence, [text], frames)[0]
        return timed_words(words, result.alignments, result.text_token_probs, offset_ms)

    def _align_spoken(self, spoken: Spoken, words: Sequence[WordTokens], positions: int, offset_ms: int) -> list[Word]:
        said = [row for row, token in enumerate(spoken.tokens) if token < self._end_of_text]
        rows = [said[row] for word in words for row in range(word.first, word.first + len(word.tokens))]
        ends = [row for row, token in enumerate(spoken.tokens) if token == self._end_of_text]
        path = alignment(spoken.attention([*rows, *ends], positions))
        return timed_words(words, path, [float(spoken.probabilities[row]) for row in rows], offset_ms)

    def language_probabilities(self, encoding: Encoding) -> dict[str, float]:
        """Probability of each language the model knows; sums to 1. Blocks.

        Raises:
            ConfigurationError: the model knows English only.
        """
        if not self.is_multilingual:
            raise ConfigurationError("an English-only Whisper model cannot identify languages; use whisper:base")
        ranked = self._model.detect_language(_stored([encoding]))[0]
        total = sum(probability for _, probability in ranked)
        return {tag_of(token[2:-2]): probability / total for token, probability in ranked}

    def _tokenizer(self, language: str) -> Any:
        return Tokenizer(self._pieces, self.is_multilingual, task="transcribe", language=whisper_code(language))

    def _decode(self, tokens: Sequence[int]) -> str:
        return str(self._pieces.decode(list(tokens)))


def _stored(encodings: Sequence[Encoding]) -> Any:
    outputs = [encoding.output for encoding in encodings]
    return ctranslate2.StorageView.from_array(outputs[0] if len(outputs) == 1 else np.concatenate(outputs))
