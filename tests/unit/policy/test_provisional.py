from support.streaming import a_detection, a_verdict

from moderation.events import DetectionKind, Severity
from moderation.policy.provisional import news

INSULT = a_detection("insult", Severity.MEDIUM)
THREAT = a_detection("threat", Severity.CRITICAL)
MILD = a_detection("obscene", Severity.LOW)


def test_a_verdict_that_is_not_flagged_is_no_news() -> None:
    assert news(None, a_verdict()) is None
    assert news(a_verdict(INSULT), a_verdict()) is None


def test_the_first_flagged_verdict_is_news_as_it_is() -> None:
    assert news(None, a_verdict(INSULT)) == a_verdict(INSULT)


def test_what_was_told_is_no_news_however_often_it_is_found() -> None:
    again = a_detection("insult", Severity.MEDIUM, score=0.99, start_ms=7)
    assert news(a_verdict(THREAT, INSULT), a_verdict(again, again)) is None


def test_another_category_is_news_and_brings_what_was_told_along() -> None:
    told = news(a_verdict(INSULT), a_verdict(MILD))
    assert told is not None
    assert told.detections == (INSULT, MILD)
    assert told.severity is Severity.MEDIUM


def test_a_higher_severity_is_news_and_takes_the_place_of_the_lower_one() -> None:
    worse = a_detection("insult", Severity.HIGH)
    told = news(a_verdict(INSULT, MILD), a_verdict(worse))
    assert told is not None
    assert told.detections == (worse, MILD)
    assert told.severity is Severity.HIGH


def test_a_category_is_the_same_only_within_its_kind() -> None:
    listed = a_detection("insult", Severity.MEDIUM, kind=DetectionKind.VOCABULARY)
    told = news(a_verdict(INSULT), a_verdict(listed))
    assert told is not None
    assert set(told.detections) == {INSULT, listed}


def test_what_a_chain_of_verdicts_found_is_in_the_last_that_is_told() -> None:
    told = None
    for found in ((INSULT,), (MILD,), (INSULT,), (THREAT,)):
        told = news(told, a_verdict(*found)) or told
    assert told is not None
    assert told.detections == (THREAT, INSULT, MILD)
    assert told.severity is Severity.CRITICAL
