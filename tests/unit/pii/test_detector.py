"""All recognisers together."""

import pytest

from moderation.errors import ConfigurationError
from moderation.pii.detector import PiiDetector
from moderation.pii.registry import RECOGNIZERS
from moderation.settings import PiiSettings

DETECTOR = PiiDetector(PiiSettings())


def found(text: str) -> list[tuple[str, str]]:
    return [(match.entity, text[match.start : match.end]) for match in DETECTOR.find(text, "en")]


def test_several_kinds_in_one_text_are_sorted_by_position():
    assert found("my name is john smith, mail john at example dot com or call 415-555-0133") == [
        ("PERSON", "john smith"),
        ("EMAIL", "john at example dot com"),
        ("PHONE", "415-555-0133"),
    ]


def test_the_surer_match_stands_and_the_rest_of_the_other_stays_covered():
    assert found("john smith at gmail dot com") == [("PERSON", "john"), ("EMAIL", "smith at gmail dot com")]


def test_an_address_is_not_reported_as_a_web_address_too():
    assert found("j.doe@example.com") == [("EMAIL", "j.doe@example.com")]


def test_a_card_is_not_reported_as_a_phone_number_too():
    assert [entity for entity, _ in found("4111 1111 1111 1111")] == ["CARD"]


def test_no_half_of_a_number_is_left_where_numbers_run_into_each_other():
    covered = found("203.0.113.7 415-555-0133")
    assert "0133" in covered[-1][1]
    assert covered[0] == ("IP_ADDRESS", "203.0.113.7")


def test_a_short_count_behind_a_number_is_left():
    assert found("646-555-0183 3 2 1 go") == [("PHONE", "646-555-0183")]


def test_only_the_kinds_that_the_settings_name_are_found():
    detector = PiiDetector(PiiSettings(entities=["URL"]))
    assert [match.entity for match in detector.find("j.doe@example.com 415-555-0133", "en")] == ["URL"]


def test_an_unknown_kind_is_refused_with_those_that_are_known():
    with pytest.raises(ConfigurationError, match=r"pii.entities names SHOE_SIZE.*choose from PHONE, EMAIL"):
        PiiDetector(PiiSettings(entities=["PHONE", "SHOE_SIZE"]))


def test_every_recogniser_is_registered_under_its_own_kind():
    assert all(make(PiiSettings()).entity == entity for entity, make in RECOGNIZERS.items())


def test_every_kind_that_is_known_is_looked_for_by_default():
    assert set(PiiSettings().entities) == set(RECOGNIZERS)


@pytest.mark.parametrize("language", ["en", "en-GB", "und", None, "ko"])
def test_any_language_tag_will_do(language: str | None):
    assert [match.entity for match in DETECTOR.find("j.doe@example.com", language)] == ["EMAIL"]


def test_an_empty_text_has_nothing():
    assert DETECTOR.find("", "en") == []


def test_the_source_carries_a_version():
    assert DETECTOR.source == "pii-rules@2"


@pytest.mark.parametrize(
    "piece",
    [
        "5 ",
        "5 or ",
        "5 5 5 5 a ",
        "4155550133 7 ",
        "at ",
        "a.",
        "a@",
        "john ",
        "one hundred ",
        "x.com/",
        "::",
        "+",
        "(",
        "my name is ",
        "[PHONE]",
    ],
)
def test_a_hostile_text_of_a_hundred_thousand_characters_is_read_in_linear_time(piece: str):
    # The suite's timeout per test is the only clock: anything quadratic takes minutes here.
    DETECTOR.find(piece * (100_000 // len(piece)), "en")
