"""Decode one window of audio, and decode it again where the result is not to be believed."""

from collections.abc import Iterator
from dataclasses import dataclass

from moderation.asr.engine import Samples
from moderation.asr.recognition import audio_ms
from moderation.asr.whisper.model import Encoding, WhisperModel
from moderation.asr.whisper.quality import Attempt, best_of
from moderation.asr.whisper.repetition import without_repetitions
from moderation.asr.whisper.window import FULL_WINDOW_S, window_s
from moderation.events import Word

SHORTEST_AUDIO_MS = 100
"""Less than a syllable: nothing is recognised in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How to look for the text.

    `beam` 1 is greedy. `fallback_beam` is used on the full window. `temperatures` are sampled at, in order, when all
    else was doubtful; sampling is random, so the same audio may then give another text.
    """

    beam: int = 1
    fallback_beam: int = 5
    temperatures: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class _Tried:
    attempt: Attempt
    encoding: Encoding


class Decoder:
    """One way of decoding with one model. Thread-safe; calls block."""

    def __init__(self, model: WhisperModel, search: Search) -> None:
        self._model = model
        self._search = search

    def words(self, samples: Samples, language: str, offset_ms: int) -> list[Word]:
        """The words in at most 30 s of audio, timed from `offset_ms`. Empty where nothing was said."""
        if audio_ms(len(samples)) < SHORTEST_AUDIO_MS:
            return []
        tried = self._believed(samples, language)
        if tried is None:
            return []
        words = self._model.split(tried.attempt.tokens)
        kept = [words[index] for index in without_repetitions([word.text for word in words])]
        return self._model.align(tried.encoding, language, kept, offset_ms)

    def _believed(self, samples: Samples, language: str) -> _Tried | None:
        """The first attempt that is not doubtful, else the best; None where nothing was said."""
        doubtful: list[_Tried] = []
        for tried in self._tries(samples, language):
            if tried.attempt.is_silence:
                return None
            if not tried.attempt.is_doubtful:
                return tried
            doubtful.append(tried)
        best = best_of([tried.attempt for tried in doubtful])
        return None if best.is_worthless else next(tried for tried in doubtful if tried.attempt is best)

    def _tries(self, samples: Samples, language: str) -> Iterator[_Tried]:
        """From cheap to dear: the trimmed window, the full window, then at rising temperatures."""
        trimmed_s = window_s(len(samples))
        if trimmed_s < FULL_WINDOW_S:
            encoding = self._model.encode(samples, trimmed_s)
            yield _Tried(self._model.generate(encoding, language, beam=self._search.beam), encoding)
        full = self._model.encode(samples, FULL_WINDOW_S)
        yield _Tried(self._model.generate(full, language, beam=self._search.fallback_beam), full)
        for temperature in self._search.temperatures:
            yield _Tried(self._model.generate(full, language, beam=1, temperature=temperature), full)
