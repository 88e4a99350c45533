import pytest

from moderation.events import LanguageGuess
from moderation.language.stream import StreamLanguage
from moderation.settings import LanguageSettings

SETTINGS = LanguageSettings(candidates=["en", "ko", "de"], default="en")
LONG = "we are going to the park"
UNDECIDED = LanguageGuess(language="und", confidence=0.0)


def stream(hint: str | None = None, **settings: object) -> StreamLanguage:
    return StreamLanguage(SETTINGS.model_copy(update=settings), hint=hint)


def test_nothing_is_known_at_first() -> None:
    language = stream()
    assert language.guess() == UNDECIDED
    assert language.language_for_recognition() == "en"
    assert language.wants_audio
    assert not language.is_decided


@pytest.mark.parametrize("hint", ["ko", "KO", "ko-KR"])
def test_a_hint_settles_it(hint: str) -> None:
    language = stream(hint)
    assert language.guess() == LanguageGuess(language="ko", confidence=1.0)
    assert language.language_for_recognition() == "ko"
    assert language.is_decided


@pytest.mark.parametrize("hint", ["ja", "", "x", "english"])
def test_a_hint_outside_the_candidates_is_no_hint(hint: str) -> None:
    language = stream(hint)
    assert language.guess() == UNDECIDED
    assert language.wants_audio


def test_clear_audio_decides() -> None:
    language = stream()
    language.add_audio({"ko": 0.97, "ja": 0.02, "en": 0.01})
    assert language.guess().language == "ko"
    assert language.guess().confidence > 0.95
    assert language.language_for_recognition() == "ko"
    assert language.is_decided


def test_other_languages_than_the_candidates_are_left_out() -> None:
    language = stream()
    language.add_audio({"nl": 0.9, "de": 0.0999, "en": 0.0001})
    assert language.guess().language == "de"


def test_audio_that_names_no_candidate_decides_nothing() -> None:
    language = stream()
    language.add_audio({"th": 1.0})
    assert language.guess() == UNDECIDED


def test_unclear_audio_adds_up() -> None:
    language = stream()
    language.add_audio({"de": 0.7, "en": 0.3})
    assert language.guess() == UNDECIDED
    assert language.wants_audio
    language.add_audio({"de": 0.8, "en": 0.2})
    assert language.guess().language == "de"
    assert not language.wants_audio


def test_listening_ends_after_the_configured_utterances() -> None:
    language = stream(max_audio_utterances=2)
    for _ in range(2):
        assert language.wants_audio
        language.add_audio({"de": 0.5, "en": 0.5})
    assert not language.wants_audio
    assert language.language_for_recognition() == "en"
    assert language.guess() == UNDECIDED


def test_listening_can_be_switched_off() -> None:
    assert stream(identify_audio=False).is_decided


def test_clear_text_decides_what_is_published_but_not_what_is_recognised() -> None:
    language = stream()
    language.add_text(LONG, {"de": 0.99, "en": 0.01})
    assert language.guess().language == "de"
    assert language.language_for_recognition() == "en"


@pytest.mark.parametrize(("text", "probability"), [("hello friend", 0.99), ("we are going home", 0.89), ("", 1.0)])
def test_short_or_ambiguous_text_is_no_evidence(text: str, probability: float) -> None:
    language = stream()
    for _ in range(5):
        language.add_text(text, {"de": probability, "en": 1 - probability})
    assert language.guess() == UNDECIDED


def test_contradicting_text_undecides() -> None:
    language = stream()
    language.add_text(LONG, {"de": 0.95, "en": 0.05})
    language.add_text(LONG, {"de": 0.05, "en": 0.95})
    assert language.guess() == UNDECIDED


def test_audio_beats_text_even_while_it_is_unclear() -> None:
    language = stream()
    for _ in range(5):
        language.add_text(LONG, {"en": 0.999, "de": 0.001})
    language.add_audio({"de": 0.6, "en": 0.4})
    assert language.guess() == UNDECIDED
    language.add_audio({"de": 0.9, "en": 0.1})
    assert language.guess().language == "de"
