"""Scores say what is right, wrong and missed."""

from typing import Any

import pytest

from moderation.demo.manifest import Clip
from moderation.demo.scoring import Counts, Heard, evaluate, score_clip
from moderation.events import Severity


def clip(text: str = "you fool", **expect: Any) -> Clip:
    spoken = {"voice": "oak", "text": text} if text else {"sound": {"kind": "hum", "level_db": -30, "duration_s": 2}}
    return Clip.model_validate({"id": "one", "expect": {"flagged": False, **expect}, **spoken})


def heard(text: str = "you fool", *categories: str, severity: Severity = Severity.NONE, language: str = "en") -> Heard:
    return Heard(
        text=text,
        language=language,
        flagged=severity is not Severity.NONE,
        severity=severity,
        categories=frozenset(categories),
    )


INSULT = clip(flagged=True, severity="medium", toxicity=["insult"], also=["toxicity"])


def test_a_clip_is_right_when_everything_expected_and_nothing_else_was_found():
    assert score_clip(INSULT, heard("you fool", "insult", "toxicity", severity=Severity.HIGH)).verdict_right


@pytest.mark.parametrize(
    ("result", "missed", "wrong", "too_mild"),
    [
        (heard("you fool"), {"insult"}, set(), False),
        (heard("you fool", "insult", severity=Severity.LOW), set(), set(), True),
        (heard("you fool", "insult", "threat", severity=Severity.HIGH), set(), {"threat"}, False),
    ],
    ids=["missed", "too mild", "one too many"],
)
def test_what_is_wrong_with_a_clip_is_named(result, missed, wrong, too_mild):
    score = score_clip(INSULT, result)
    assert (score.missed, score.wrong, score.too_mild) == (missed, wrong, too_mild)
    assert not score.verdict_right


def test_the_word_error_rate_counts_words_of_spoken_clips():
    result = evaluate([(clip("a b c d"), heard("a x c")), (clip("e f"), heard("e f"))])
    assert (result.words, result.word_errors) == (6, 2)
    assert result.word_error_rate == pytest.approx(1 / 3)


def test_words_heard_in_noise_are_counted_apart():
    result = evaluate([(clip(""), heard("thank you"))])
    assert result.words_from_noise == 2
    assert result.word_error_rate is None


def test_flags_are_counted_by_clip():
    flagged = heard("", "insult", severity=Severity.HIGH)
    result = evaluate([(INSULT, flagged), (INSULT, heard("")), (clip(), flagged), (clip(), heard(""))])
    assert result.flags == Counts(hits=1, false_alarms=1, misses=1)
    assert (result.flags.precision, result.flags.recall) == (0.5, 0.5)


def test_categories_that_may_be_found_are_right_when_found_and_no_fault_when_not():
    result = evaluate([(INSULT, heard("", "insult", "toxicity")), (INSULT, heard("", "insult", "PHONE"))])
    assert result.categories == {
        "PHONE": Counts(false_alarms=1),
        "insult": Counts(hits=2),
        "toxicity": Counts(hits=1),
    }


def test_nothing_detected_and_nothing_wanted_have_no_rates():
    assert (Counts().precision, Counts().recall) == (None, None)


def test_languages_are_counted_over_spoken_clips():
    result = evaluate([(clip(), heard()), (clip(), heard(language="de")), (clip(""), heard("", language="und"))])
    assert (result.spoken, result.languages_right) == (2, 1)
