"""National identity numbers. All are published examples or made up to meet the checks."""

from collections.abc import Callable

import pytest

Find = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("my social is one two three four five six seven eight nine", "one two three four five six seven eight nine"),
        ("my social security number is 536904399 okay", "536904399"),
        ("so it was 536-90-4399 right", "536-90-4399"),
        ("ssn five three six, ninety, four three nine nine", "five three six, ninety, four three nine nine"),
        ("my social is 666 12 3456", "666 12 3456"),
    ],
)
def test_us_social_security_numbers_are_found(find: Find, text: str, number: str):
    assert find("NATIONAL_ID", text) == [number]


@pytest.mark.parametrize(
    "number", ["AB123456C", "AB 12 34 56 C", "a b one two three four five six c", "ab one two three four five six c"]
)
def test_uk_national_insurance_numbers_are_found(find: Find, number: str):
    assert find("NATIONAL_ID", f"it is {number} okay") == [number]


@pytest.mark.parametrize("number", ["970110-1234567", "971013-9019902", "9710139019902", "250101-3000000"])
def test_korean_resident_numbers_are_found(find: Find, number: str):
    assert find("NATIONAL_ID", f"\uc81c \ubc88\ud638\ub294 {number}", "ko") == [number]


def test_german_tax_numbers_are_found_in_german_and_where_they_are_introduced(find: Find):
    assert find("NATIONAL_ID", "meine Nummer ist 36 574 261 809", "de") == ["36 574 261 809"]
    assert find("NATIONAL_ID", "my tax id is 36574261809") == ["36574261809"]
    assert find("NATIONAL_ID", "36574261809") == []


def test_french_social_security_numbers_are_found(find: Find):
    assert find("NATIONAL_ID", "c'est 2 95 10 99 126 111 93", "fr") == ["2 95 10 99 126 111 93"]


@pytest.mark.parametrize("number", ["54362315K", "54362315 k", "X-2482300W", "x 2 4 8 2 3 0 0 w"])
def test_spanish_identity_numbers_are_found(find: Find, number: str):
    assert find("NATIONAL_ID", f"es {number} vale", "es") == [number]


@pytest.mark.parametrize(
    "text",
    [
        "one two three four five six seven eight nine",
        "536904399",
        "BG123456A",
        "54362315A",
        "971313-9019902",
        "200000-2000000",
        "we are social people at 3 2 1",
    ],
)
def test_numbers_that_fail_the_checks_are_left(find: Find, text: str):
    assert find("NATIONAL_ID", text) == []
