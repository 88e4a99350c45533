"""The Whisper engine: buffers an utterance, decodes it when it ends."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from moderation.asr.engine import EngineCapabilities, Partial, Recognition, Samples
from moderation.asr.recognition import audio_ms, recognition_of
from moderation.asr.whisper.decoding import Decoder, SearchPlan
from moderation.asr.whisper.languages import tag_of, whisper_code
from moderation.asr.whisper.model import Decoding, WhisperModel
from moderation.asr.whisper.pieces import pieces
from moderation.asr.whisper.quality import Attempt
from moderation.asr.whisper.turns import Turns
from moderation.asr.whisper.window import window_s
from moderation.errors import ConfigurationError, InvariantViolation
from moderation.events import Word, primary_tag
from moderation.settings import AsrSettings


class WhisperEngine:
    """A Whisper model shared by all streams; also an `AudioLanguageModel` where it is multilingual. Thread-safe."""

    def __init__(self, folder: Path, *, name: str, version: str, settings: AsrSettings) -> None:
        """Load the model; takes a second or two.

        `folder` is in faster-whisper's layout (model.bin, config.json, tokenizer.json); `name` is what settings call
        it (`whisper:base`).

        Raises:
            ConfigurationError: the folder is not a model, or the device or compute type does not fit.
        """
        self._name = name
        self._version = version
        plan = SearchPlan(beam=settings.whisper_beam, temperatures=tuple(settings.whisper_temperatures))
        self._model = WhisperModel(
            folder,
            device=settings.whisper_device,
            compute_type=settings.whisper_compute_type,
            threads=settings.whisper_threads,
            workers=settings.whisper_workers,
            decoder=settings.whisper_decoder,
            widest_beam=plan.widest_beam,
        )
        self._turns: Turns[Decoding, Attempt] = Turns(
            self._model.generate, workers=settings.whisper_workers, most_together=settings.whisper_batch
        )
        self._decoder = Decoder(self._model, plan, self._turns)
        self._interim_decoder = Decoder(self._model, SearchPlan(retries=False), self._turns)
        self._capabilities = EngineCapabilities(
            partials=False, word_times=True, word_confidence=True, languages=self._model.languages, interims=True
        )

    @property
    def name(self) -> str:
        return self._name

    @property
    def model_version(self) -> str:
        return self._version

    @property
    def source(self) -> str:
        """Model id and version, as `AudioLanguageModel` asks."""
        return f"{self._name}@{self._version}"

    @property
    def capabilities(self) -> EngineCapabilities:
        return self._capabilities

    def recognizer(self, *, stream_id: str, language: str | None) -> "WhisperRecognizer":  # noqa: ARG002  no affinity
        """Begin an utterance. `language` None: English for an English-only model, else identified from the utterance.

        Raises:
            ConfigurationError: the model does not know the language.
        """
        return WhisperRecognizer(self, self._known(language))

    def recognise(self, samples: Samples, language: str | None) -> Recognition:
        """Recognise a whole utterance. Blocks; utterances that are recognised at the same time cost less each."""
        return self._heard(self._decoder, samples, language or self._identify(samples))

    def interim(self, samples: Samples, *, language: str) -> Recognition:
        """Recognise a part of an utterance that goes on: behind all utterances that have ended, and without retries.

        Raises:
            ConfigurationError: the model does not know the language.
        """
        spoken = self._known(language) or "en"
        with self._turns.behind():
            return self._heard(self._interim_decoder, samples, spoken)

    def language_probabilities(self, samples: Samples) -> Mapping[str, float]:
        """Probability of each language that the model knows, from at most the first 28 s. Sums to 1. Blocks.

        Raises:
            ConfigurationError: the model is English-only.
        """
        heard = pieces(samples)[0]
        model = self._model
        return self._turns.begin(lambda: model.language_probabilities(model.encode(heard, window_s(len(heard)))))

    def close(self) -> None:
        """End the engine's threads; the model goes with the last reference to the engine."""
        self._turns.close()

    def _heard(self, decoder: Decoder, samples: Samples, language: str) -> Recognition:
        words: list[Word] = []
        done = 0
        for piece in pieces(samples):
            words.extend(decoder.words(piece, language, audio_ms(done)))
            done += len(piece)
        return recognition_of(words, language=language, audio_ms=audio_ms(done))

    def _identify(self, samples: Samples) -> str:
        if not self._model.is_multilingual:
            return "en"
        probabilities = self.language_probabilities(samples)
        return max(probabilities, key=lambda tag: probabilities[tag])

    def _known(self, language: str | None) -> str | None:
        if language is None:
            return None
        tag = tag_of(whisper_code(language))
        if tag not in self._model.languages:
            raise ConfigurationError(
                f"{self._name} does not know the language {language!r}; name another engine for it in "
                "MODERATION_ASR__ENGINES"
            )
        return primary_tag(language)


class WhisperRecognizer:
    """One utterance. Has no partials."""

    def __init__(self, engine: WhisperEngine, language: str | None) -> None:
        self._engine = engine
        self._language = language
        self._heard: list[Samples] = []
        self._ended = False

    def accept(self, samples: Samples) -> Partial | None:
        """Keep the audio; there is nothing to say before the end."""
        if self._ended:
            raise InvariantViolation("a recogniser was used after its utterance had ended")
        self._heard.append(np.array(samples, dtype=np.float32))
        return None

    def finish(self) -> Recognition:
        """Decode all of it."""
        if self._ended:
            raise InvariantViolation("a recogniser was used after its utterance had ended")
        heard = np.concatenate(self._heard) if self._heard else np.zeros(0, dtype=np.float32)
        self.close()
        return self._engine.recognise(heard, self._language)

    def close(self) -> None:
        self._ended = True
        self._heard.clear()
