"""A loaded Whisper model: audio to encodings, encodings to text, times and languages."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import tokenizers
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import Tokenizer

from moderation.asr.engine import Samples
from moderation.asr.recognition import SAMPLE_RATE_HZ
from moderation.asr.whisper.languages import tag_of, whisper_code
from moderation.asr.whisper.quality import Attempt, most_tokens
from moderation.asr.whisper.window import padded
from moderation.asr.whisper.words import WordTokens, timed_words, words_of
from moderation.errors import ConfigurationError
from moderation.events import Word

_SAMPLES_PER_FRAME = 160
_FEWEST_ALIGNED_FRAMES = 50
_NEEDED_FILES = ("model.bin", "config.json", "tokenizer.json")


@dataclass(frozen=True, slots=True)
class Encoding:
    """What the encoder made of one window, and how much of the window was audio."""

    output: Any
    audio_samples: int


class WhisperModel:
    """Thread-safe: CTranslate2 queues the calls and runs up to `workers` of them at once, without the GIL."""

    def __init__(self, folder: Path, *, device: str, compute_type: str, threads: int, workers: int) -> None:
        """Load the model in a faster-whisper folder.

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
        self._features = FeatureExtractor(feature_size=self._model.n_mels)
        self.is_multilingual: bool = self._model.is_multilingual
        self.languages = self._languages()

    def _languages(self) -> frozenset[str]:
        if not self.is_multilingual:
            return frozenset({"en"})
        codes = (token[2:-2] for token in self._pieces.get_vocab() if token.startswith("<|") and token.endswith("|>"))
        # Language tokens are the special tokens of two or three letters: <|en|>, <|haw|>.
        return frozenset(tag_of(code) for code in codes if code.isalpha() and len(code) in (2, 3))

    def encode(self, samples: Samples, window_s: int) -> Encoding:
        """Encode the audio, followed by silence, in a window of so many seconds. Blocks."""
        features = self._features(padded(samples, window_s), padding=0)
        view = ctranslate2.StorageView.from_array(np.ascontiguousarray(features[np.newaxis], dtype=np.float32))
        return Encoding(self._model.encode(view), min(len(samples), window_s * SAMPLE_RATE_HZ))

    def generate(self, encoding: Encoding, language: str, *, beam: int, temperature: float = 0.0) -> Attempt:
        """Decode once. `temperature` 0 takes the most probable text; above 0 it samples. Blocks."""
        tokens = self._tokenizer(language)
        prompt = [*tokens.sot_sequence, tokens.no_timestamps]
        most = most_tokens(encoding.audio_samples / SAMPLE_RATE_HZ, english_only=not self.is_multilingual)
        search: dict[str, Any] = {"beam_size": beam}
        if temperature > 0:
            search = {"beam_size": 1, "sampling_topk": 0, "sampling_temperature": temperature}
        result = self._model.generate(
            encoding.output,
            [prompt],
            max_length=len(prompt) + most,
            return_scores=True,
            return_no_speech_prob=True,
            **search,
        )[0]
        generated = result.sequences_ids[0]
        text_tokens = tuple(token for token in generated if token < tokens.eot)
        return Attempt(
            tokens=text_tokens,
            text=self._decode(text_tokens).strip(),
            # The score is the mean over the text; the end-of-text token counts too.
            average_log_probability=result.scores[0] * len(generated) / (len(generated) + 1),
            no_speech_probability=result.no_speech_prob,
            reached_limit=len(generated) >= most,
        )

    def split(self, tokens: Sequence[int]) -> list[WordTokens]:
        """The words that tokens spell."""
        return words_of(tokens, self._decode)

    def align(self, encoding: Encoding, language: str, words: Sequence[WordTokens], offset_ms: int) -> list[Word]:
        """When each word was said, counted from `offset_ms`. Blocks."""
        if not words:
            return []
        text = [token for word in words for token in word.tokens]
        frames = max(encoding.audio_samples // _SAMPLES_PER_FRAME, _FEWEST_ALIGNED_FRAMES)
        result = self._model.align(encoding.output, self._tokenizer(language).sot_sequence, [text], frames)[0]
        return timed_words(words, result.alignments, result.text_token_probs, offset_ms)

    def language_probabilities(self, encoding: Encoding) -> dict[str, float]:
        """Probability of each language the model knows; sums to 1. Blocks.

        Raises:
            ConfigurationError: the model knows English only.
        """
        if not self.is_multilingual:
            raise ConfigurationError("an English-only Whisper model cannot identify languages; use whisper:base")
        ranked = self._model.detect_language(encoding.output)[0]
        total = sum(probability for _, probability in ranked)
        return {tag_of(token[2:-2]): probability / total for token, probability in ranked}

    def _tokenizer(self, language: str) -> Any:
        return Tokenizer(self._pieces, self.is_multilingual, task="transcribe", language=whisper_code(language))

    def _decode(self, tokens: Sequence[int]) -> str:
        return str(self._pieces.decode(list(tokens)))
