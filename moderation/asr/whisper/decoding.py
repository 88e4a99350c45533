"""Decode one window of audio, and decode it again where the result is not to be believed."""

from collections.abc import Iterator
from dataclasses import dataclass

from moderation.asr.engine import Samples
from moderation.asr.recognition import audio_ms
from moderation.asr.whisper.encoding import Encoding
from moderation.asr.whisper.model import Decoding, Search, WhisperModel
from moderation.asr.whisper.quality import Attempt, best_of
from moderation.asr.whisper.repetition import without_repetitions
from moderation.asr.whisper.turns import Turns
from moderation.asr.whisper.window import FULL_WINDOW_S
from moderation.events import Word

SHORTEST_AUDIO_MS = 100
"""Less than a syllable: nothing is recognised in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlan:
    """How to look for the text, and how when it was not found.

    `beam` is the most hypotheses to follow; 1 is greedy. `fallback_beam` is used on the full window. `temperatures` are
    sampled at, in order, when all else was doubtful; sampling is random, so the same audio may then give another text.
    Without `retries` what is doubtful counts as nothing, so that the cost is bounded.
    """

    beam: int = 1
    fallback_beam: int = 5
    temperatures: tuple[float, ...] = ()
    retries: bool = True

    @property
    def widest_beam(self) -> int:
        return max(self.beam, self.fallback_beam)


@dataclass(frozen=True, slots=True)
class _Tried:
    attempt: Attempt
    encoding: Encoding


class Decoder:
    """One way of decoding with one model, in turn with whoever else uses it. Thread-safe; calls block."""

    def __init__(self, model: WhisperModel, plan: SearchPlan, turns: Turns[Decoding, Attempt]) -> None:
        self._model = model
        self._plan = plan
        self._turns = turns

    def words(self, samples: Samples, language: str, offset_ms: int) -> list[Word]:
        """The words in at most 30 s of audio, timed from `offset_ms`. Empty where nothing was said."""
        if audio_ms(len(samples)) < SHORTEST_AUDIO_MS:
            return []
        tried = self._believed(samples, language)
        if tried is None:
            return []
        return self._turns.end(lambda: self._timed(tried, language, offset_ms))

    def _timed(self, tried: _Tried, language: str, offset_ms: int) -> list[Word]:
        """The words, without those that were invented; without them, the others lie elsewhere."""
        words = self._model.split(tried.attempt.tokens)
        timed = self._model.align(tried.attempt, tried.encoding, language, words, offset_ms)
        kept = [words[index] for index in without_repetitions(timed)]
        if len(kept) == len(words):
            return timed
        return self._model.align(tried.attempt, tried.encoding, language, kept, offset_ms)

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
        if best.is_worthless or not self._plan.retries:
            return None
        return next(tried for tried in doubtful if tried.attempt is best)

    def _tries(self, samples: Samples, language: str) -> Iterator[_Tried]:
        """From cheap to dear: the trimmed window, the full window, then at rising temperatures."""
        plan, first = self._plan, Search(beam=self._plan.beam)
        yield self._try(self._turns.begin(lambda: self._model.encode_for(samples, first)), language, first)
        if not plan.retries:
            return
        full = self._turns.begin(lambda: self._model.encode(samples, FULL_WINDOW_S))
        yield self._try(full, language, Search(beam=plan.fallback_beam))
        for temperature in plan.temperatures:
            yield self._try(full, language, Search(beam=1, temperature=temperature))

    def _try(self, encoding: Encoding, language: str, search: Search) -> _Tried:
        decoding = Decoding(encoding=encoding, language=language, search=search)
        if self._model.decodes_alone(search):
            return _Tried(self._turns.end(lambda: self._model.generate([decoding])[0]), encoding)
        return _Tried(self._turns.join(decoding, kind=decoding.kind), encoding)
