import pytest

from moderation.asr.recognition import audio_ms, recognition_of
from moderation.events import Word


def word(text: str, start_ms: int, end_ms: int, confidence: float = 0.5) -> Word:
    return Word(text=text, start_ms=start_ms, end_ms=end_ms, confidence=confidence)


def test_words_are_joined_and_their_confidence_averaged() -> None:
    made = recognition_of([word("go", 0, 10, 0.2), word("left", 10, 20, 0.4)], language="en", audio_ms=100)
    assert made.text == "go left"
    assert made.confidence == pytest.approx(0.3)


def test_no_words_are_empty_text() -> None:
    made = recognition_of([word(" ", 0, 10)], language="en", audio_ms=100)
    assert (made.text, made.words, made.confidence) == ("", (), 0.0)


def test_times_are_brought_into_order_and_into_the_audio() -> None:
    made = recognition_of([word("a", -20, 60), word("b", 40, 30), word("c", 10, 900)], language="en", audio_ms=100)
    assert [(w.start_ms, w.end_ms) for w in made.words] == [(0, 60), (40, 40), (40, 100)]


def test_spaces_inside_a_word_become_one() -> None:
    assert recognition_of([word(" a \t b ", 0, 10)], language="en", audio_ms=100).text == "a b"


def test_audio_is_counted_in_whole_milliseconds() -> None:
    assert audio_ms(16_015) == 1_000
