"""One suite over every speech engine: what the Protocols in moderation/asr/engine.py promise."""

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from moderation.asr.engine import Recognition, Samples, SpeechEngine
from moderation.errors import ConfigurationError, InvariantViolation

RATE_HZ = 16_000


def recognise(engine: SpeechEngine, chunks: Sequence[Samples], language: str | None, stream: str = "s") -> Recognition:
    recognizer = engine.recognizer(stream_id=stream, language=language)
    for chunk in chunks:
        recognizer.accept(chunk)
    return recognizer.finish()


def cut(samples: Samples, seed: int) -> list[Samples]:
    places = np.sort(np.random.default_rng(seed).integers(0, len(samples), 12))
    return np.split(samples, places)


class SpeechEngineConformance:
    """Subclasses give `engine`, `language`, `speech` and the words that are certainly understood in it."""

    language: str
    certain: tuple[str, ...]
    unknown_language: str
    noise_level = 0.05
    """Noise of which it makes no words: root mean square, full scale is 1."""

    @pytest.fixture
    def spoken(self, engine: SpeechEngine, speech: Samples) -> Recognition:
        return recognise(engine, [speech], self.language)

    def test_it_understands_the_speech(self, spoken: Recognition) -> None:
        said = [word.text.strip(",.").lower() for word in spoken.words]
        assert [word for word in said if word in self.certain] == list(self.certain)

    def test_the_text_is_the_words_joined(self, spoken: Recognition) -> None:
        assert spoken.text == " ".join(word.text for word in spoken.words)

    def test_the_language_is_the_one_asked_for(self, spoken: Recognition) -> None:
        assert spoken.language == self.language

    def test_a_region_in_the_tag_changes_nothing(
        self, engine: SpeechEngine, speech: Samples, spoken: Recognition
    ) -> None:
        assert recognise(engine, [speech], f"{self.language}-XX") == spoken

    def test_word_times_are_ordered_and_lie_within_the_audio(self, speech: Samples, spoken: Recognition) -> None:
        edges = [edge for word in spoken.words for edge in (word.start_ms, word.end_ms)]
        assert edges == sorted(edges)
        assert edges[0] >= 0
        assert edges[-1] <= spoken.audio_ms == len(speech) * 1000 // RATE_HZ

    def test_words_take_time(self, spoken: Recognition) -> None:
        assert np.mean([word.end_ms - word.start_ms for word in spoken.words]) > 50

    def test_word_times_move_with_the_speech(self, engine: SpeechEngine, speech: Samples, spoken: Recognition) -> None:
        later = recognise(engine, [np.zeros(RATE_HZ, dtype=np.float32), speech], self.language)
        assert abs(later.words[-1].end_ms - spoken.words[-1].end_ms - 1000) < 300

    def test_confidence_is_the_mean_of_the_words(self, spoken: Recognition) -> None:
        confidences = [word.confidence for word in spoken.words]
        assert all(0 <= confidence <= 1 for confidence in confidences)
        assert spoken.confidence == pytest.approx(np.mean(confidences))

    @pytest.mark.parametrize("seed", [1, 2])
    def test_chunk_boundaries_change_nothing(
        self, engine: SpeechEngine, speech: Samples, spoken: Recognition, seed: int
    ) -> None:
        assert recognise(engine, cut(speech, seed), self.language) == spoken

    def test_the_same_audio_gives_the_same_result_again(
        self, engine: SpeechEngine, speech: Samples, spoken: Recognition
    ) -> None:
        assert recognise(engine, [speech], self.language) == spoken

    def test_no_audio_is_no_text(self, engine: SpeechEngine) -> None:
        nothing = recognise(engine, [], self.language)
        assert (nothing.text, nothing.words, nothing.confidence, nothing.audio_ms) == ("", (), 0.0, 0)

    def test_empty_chunks_are_no_text(self, engine: SpeechEngine) -> None:
        assert recognise(engine, [np.zeros(0, dtype=np.float32)] * 2, self.language).text == ""

    @pytest.mark.parametrize("samples", [1, 160, 1_600, 4_801])
    def test_a_snippet_of_silence_is_no_text(self, engine: SpeechEngine, samples: int) -> None:
        snippet = recognise(engine, [np.zeros(samples, dtype=np.float32)], self.language)
        assert snippet.text == ""
        assert snippet.audio_ms == samples * 1000 // RATE_HZ

    def test_silence_is_no_text(self, engine: SpeechEngine) -> None:
        assert recognise(engine, [np.zeros(3 * RATE_HZ, dtype=np.float32)], self.language).text == ""

    def test_noise_is_no_text(self, engine: SpeechEngine) -> None:
        noise = np.random.default_rng(7).normal(0, self.noise_level, 3 * RATE_HZ).astype(np.float32)
        assert recognise(engine, [noise], self.language).text == ""

    def test_samples_out_of_range_do_no_harm(self, engine: SpeechEngine, speech: Samples) -> None:
        assert recognise(engine, [speech * 100], self.language).audio_ms == len(speech) * 1000 // RATE_HZ

    def test_audio_longer_than_half_a_minute_is_understood_to_its_end(
        self, engine: SpeechEngine, speech: Samples
    ) -> None:
        long = recognise(engine, [np.zeros(32 * RATE_HZ, dtype=np.float32), speech], self.language)
        assert long.words[0].start_ms >= 31_000
        assert [w for w in (word.text.strip(",.").lower() for word in long.words) if w in self.certain]

    def test_interleaved_utterances_do_not_mix(
        self, engine: SpeechEngine, speech: Samples, spoken: Recognition
    ) -> None:
        recognizers = [engine.recognizer(stream_id=f"stream {n}", language=self.language) for n in range(5)]
        for piece in np.array_split(speech, 9):
            for recognizer in recognizers:
                recognizer.accept(piece)
        assert [recognizer.finish() for recognizer in recognizers] == [spoken] * 5

    def test_a_part_of_an_utterance_is_understood_where_the_engine_says_so(
        self, engine: SpeechEngine, speech: Samples, spoken: Recognition
    ) -> None:
        if not engine.capabilities.interims:
            assert engine.capabilities.partials
            with pytest.raises(InvariantViolation, match="interim"):
                engine.interim(speech, language=self.language)
            return
        part = engine.interim(speech, language=self.language)
        said = [word.text.strip(",.").lower() for word in part.words]
        assert [word for word in said if word in self.certain] == list(self.certain)
        assert (part.language, part.audio_ms) == (spoken.language, spoken.audio_ms)

    def test_a_part_that_is_silent_is_no_text(self, engine: SpeechEngine) -> None:
        if engine.capabilities.interims:
            assert engine.interim(np.zeros(3 * RATE_HZ, dtype=np.float32), language=self.language).text == ""

    def test_threads_may_use_the_engine_at_once(
        self, engine: SpeechEngine, speech: Samples, spoken: Recognition
    ) -> None:
        with ThreadPoolExecutor(4) as pool:
            results = pool.map(lambda n: recognise(engine, cut(speech, n), self.language, f"stream {n}"), range(4))
            assert list(results) == [spoken] * 4

    def test_an_utterance_given_up_leaves_no_trace(
        self, engine: SpeechEngine, speech: Samples, spoken: Recognition
    ) -> None:
        given_up = engine.recognizer(stream_id="s", language=self.language)
        given_up.accept(speech[: len(speech) // 2])
        given_up.close()
        assert recognise(engine, [speech], self.language) == spoken

    def test_an_utterance_finishes_once(self, engine: SpeechEngine) -> None:
        recognizer = engine.recognizer(stream_id="s", language=self.language)
        recognizer.finish()
        with pytest.raises(InvariantViolation):
            recognizer.finish()

    def test_nothing_is_accepted_after_the_end(self, engine: SpeechEngine, speech: Samples) -> None:
        recognizer = engine.recognizer(stream_id="s", language=self.language)
        recognizer.finish()
        with pytest.raises(InvariantViolation):
            recognizer.accept(speech)

    def test_nothing_is_accepted_after_close(self, engine: SpeechEngine, speech: Samples) -> None:
        recognizer = engine.recognizer(stream_id="s", language=self.language)
        recognizer.accept(speech)
        recognizer.close()
        with pytest.raises(InvariantViolation):
            recognizer.accept(speech)

    def test_closing_again_or_after_the_end_is_harmless(self, engine: SpeechEngine) -> None:
        recognizer = engine.recognizer(stream_id="s", language=self.language)
        recognizer.finish()
        recognizer.close()
        recognizer.close()

    def test_partials_come_if_and_only_if_they_are_promised(self, engine: SpeechEngine, speech: Samples) -> None:
        recognizer = engine.recognizer(stream_id="s", language=self.language)
        partials = [partial for piece in np.array_split(speech, 20) if (partial := recognizer.accept(piece))]
        recognizer.close()
        assert bool(partials) == engine.capabilities.partials
        texts = [partial.text for partial in partials]
        assert all(text != following for text, following in itertools.pairwise(texts))

    def test_what_is_promised_of_words_is_kept(self, engine: SpeechEngine, spoken: Recognition) -> None:
        assert engine.capabilities.word_times == any(word.end_ms for word in spoken.words)
        assert engine.capabilities.word_confidence == any(word.confidence for word in spoken.words)

    def test_it_knows_the_language(self, engine: SpeechEngine) -> None:
        assert engine.capabilities.languages is None or self.language in engine.capabilities.languages

    def test_a_language_it_does_not_know_is_refused(self, engine: SpeechEngine) -> None:
        with pytest.raises(ConfigurationError, match="MODERATION_ASR__ENGINES"):
            engine.recognizer(stream_id="s", language=self.unknown_language)

    def test_it_names_itself_and_its_model(self, engine: SpeechEngine) -> None:
        assert engine.name.partition(":")[2]
        assert engine.model_version


class TestWhisperTinyEnglish(SpeechEngineConformance):
    language = "en"
    certain = ("weather", "nice", "today", "going", "park", "friends")
    unknown_language = "ko"

    @pytest.fixture
    def engine(self, tiny: SpeechEngine) -> SpeechEngine:
        return tiny

    @pytest.fixture
    def speech(self, english: Samples) -> Samples:
        return english


class TestWhisperBase(SpeechEngineConformance):
    language = "en"
    certain = ("weather", "nice", "today", "going", "park", "friends")
    unknown_language = "tlh"

    @pytest.fixture
    def engine(self, base: SpeechEngine) -> SpeechEngine:
        return base

    @pytest.fixture
    def speech(self, english: Samples) -> Samples:
        return english


class TestVoskKorean(SpeechEngineConformance):
    language = "ko"
    certain = ("아버지", "어머니", "아버지", "어머니")
    unknown_language = "en"
    # Louder noise it takes for words, and is sure of them: voice activity detection has to stand before it.
    noise_level = 0.02

    @pytest.fixture
    def engine(self, vosk: SpeechEngine) -> SpeechEngine:
        return vosk

    @pytest.fixture
    def speech(self, korean: Samples) -> Samples:
        return korean
