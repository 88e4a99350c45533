"""Phone numbers, written and spoken. All are of ranges reserved for fiction or examples."""

from collections.abc import Callable

import pytest

from moderation.errors import ConfigurationError
from moderation.pii.detector import PiiDetector
from moderation.settings import PiiSettings

Find = Callable[..., list[str]]


@pytest.mark.parametrize(
    "number",
    [
        "555-123-4567",
        "5551234567",
        "(415) 555-0133",
        "415.555.0133",
        "415 555 0133",
        "1-800-555-0199",
        "7-1-8-5-5-5-0-1-6-4",
        "4, 1, 5, 5, 5, 5, 0, 1, 3, 3",
        "+1 415 555 0133",
        "+44 20 7946 0958",
        "+82 10-1234-5678",
        "555-0133",
        "555-1234",
    ],
)
def test_written_numbers_are_found(find: Find, number: str):
    assert find("PHONE", f"so it was {number} right") == [number]


@pytest.mark.parametrize(
    "number",
    [
        "five five five one two three four",
        "555 one two three four",
        "four one five five five five oh one three three",
        "four one five, five five five, oh one double three",
        "four one five five five five zero one three three",
        "four one five uh five five five um zero one three three",
        "four one five. five five five. zero one three three",
        "four one five and then five five five oh one double three",
        "four one five, that's five five five, oh one double three",
        "one eight hundred five five five zero one nine nine",
        "eight hundred triple five zero one nine nine",
        "four fifteen five five five zero one thirty three",
        "four one five dash five five five dash zero one three three",
        "plus four four two oh seven nine four six oh nine five eight",
        "oh seven seven double oh nine hundred one two three",
        "FOUR ONE FIVE FIVE FIVE FIVE ZERO ONE THREE THREE",
    ],
)
def test_spoken_numbers_are_found(find: Find, number: str):
    assert find("PHONE", f"right it was {number} okay") == [number]


@pytest.mark.parametrize(
    "text",
    [
        "call me at five five five twenty three forty five",
        "my number is 5550133",
        "text me five five five oh one three three",
        "my cell is nine nine nine one two three four five six seven",
    ],
)
def test_an_introduction_makes_up_for_what_is_not_valid(find: Find, text: str):
    assert len(find("PHONE", text)) == 1


def test_an_interjection_behind_a_number_does_not_spoil_it(find: Find):
    assert find("PHONE", "five five five one two three four, oh yeah") == ["five five five one two three four"]


def test_an_interjection_before_a_number_does_not_spoil_it(find: Find):
    assert find("PHONE", "oh four one five five five five oh one three three") == [
        "four one five five five five oh one three three"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "we need 5 more kills, 3 2 1 go",
        "I have one hundred and twenty health",
        "ten four good buddy",
        "back in nineteen ninety nine or twenty twenty",
        "one two three four five six seven eight nine ten",
        "ten nine eight seven six five four three two one zero",
        "10, 20, 30, 40, 50, 60",
        "13 to 7, 16 to 14, 12 to 10",
        "we need two thousand five hundred gold for 3,500,000 points",
        "lobby code is five five five one two three four",
        "meet at 10:30 or 11:45 on 12/25/2024",
        "five five five five five five five",
        "nine plus six, ten, 15, 18, 40. 58",
        "it costs $5551234567",
        "one to one, two to two, three to two",
    ],
)
def test_counts_scores_times_and_codes_are_left(find: Find, text: str):
    assert find("PHONE", text) == []


@pytest.mark.parametrize(
    ("language", "text", "number"),
    [
        ("ko", "\ub0b4 \ubc88\ud638\ub294 010-1234-5678 \uc774\uc57c", "010-1234-5678"),
        ("ko", "010 1234 5678", "010 1234 5678"),
        ("de", "meine Nummer ist 030 23125 000", "030 23125 000"),
        ("fr", "appelle moi au 06 39 98 12 34", "06 39 98 12 34"),
        ("en", "010-1234-5678", "010-1234-5678"),
    ],
)
def test_the_language_suggests_a_region(find: Find, language: str, text: str, number: str):
    assert find("PHONE", text, language) == [number]


def test_the_default_region_decides_what_is_national(find: Find):
    assert find("PHONE", "020 7946 0958", region="GB") == ["020 7946 0958"]
    assert find("PHONE", "five five five one two three four", region="GB") == []


def test_a_valid_number_inside_a_longer_run_is_found(find: Find):
    assert find("PHONE", "take 9 9 then 4155550133 7 7") == ["4155550133 7 7"]


def test_an_unknown_region_is_refused():
    with pytest.raises(ConfigurationError, match="phone region ZZ is not known"):
        PiiDetector(PiiSettings(default_region="ZZ"))


def test_the_explanation_counts_digits_and_tells_none():
    (match,) = PiiDetector(PiiSettings()).find("call me at 415-555-0133", "en")
    assert match.rule == "ten digits, valid in US, introduced as a phone number"
    assert match.score == 0.95
