from dataclasses import replace

import pytest

from moderation.asr.whisper.quality import Attempt, best_of, compression_ratio, most_tokens

GOOD = Attempt(
    tokens=(1, 2), text="plant the bomb", average_log_probability=-0.2, no_speech_probability=0.05, reached_limit=False
)
LOOPING = "I am, " * 40


def test_sure_text_is_believed_although_the_model_hears_no_speech() -> None:
    assert not replace(GOOD, no_speech_probability=0.9).is_silence


def test_unsure_text_without_speech_is_silence() -> None:
    assert replace(GOOD, no_speech_probability=0.7, average_log_probability=-0.6).is_silence


def test_looping_text_without_speech_is_silence() -> None:
    assert replace(GOOD, no_speech_probability=0.7, text=LOOPING).is_silence


def test_unsure_text_with_speech_is_no_silence() -> None:
    assert not replace(GOOD, no_speech_probability=0.5, average_log_probability=-2.0).is_silence


@pytest.mark.parametrize("text", ["", " . . .", "...?"])
def test_text_without_a_word_is_silence(text: str) -> None:
    assert replace(GOOD, text=text).is_silence


@pytest.mark.parametrize(
    "doubtful",
    [
        replace(GOOD, average_log_probability=-1.1),
        replace(GOOD, text=LOOPING),
        replace(GOOD, reached_limit=True),
    ],
)
def test_improbable_looping_or_endless_text_is_doubtful(doubtful: Attempt) -> None:
    assert doubtful.is_doubtful
    assert not GOOD.is_doubtful


def test_doubtful_text_is_worthless_when_speech_is_doubtful_too() -> None:
    assert replace(GOOD, average_log_probability=-1.1, no_speech_probability=0.4).is_worthless
    assert not replace(GOOD, average_log_probability=-1.1, no_speech_probability=0.2).is_worthless


def test_a_mere_guess_is_worthless() -> None:
    assert replace(GOOD, average_log_probability=-1.6).is_worthless


def test_among_doubtful_attempts_the_most_probable_that_does_not_loop_is_best() -> None:
    looping = replace(GOOD, text=LOOPING, average_log_probability=-0.1)
    likely = replace(GOOD, average_log_probability=-1.2)
    assert best_of([looping, replace(GOOD, average_log_probability=-1.4), likely]) is likely
    assert best_of([looping]) is looping


def test_looping_text_compresses_well() -> None:
    assert compression_ratio("") == 0
    assert compression_ratio("the quick brown fox") < 1.5
    assert compression_ratio(LOOPING) > 2.4


def test_tokens_are_capped_by_duration() -> None:
    assert most_tokens(1, english_only=True) == 20
    assert most_tokens(1, english_only=False) == 28
    assert most_tokens(30, english_only=False) == 224
