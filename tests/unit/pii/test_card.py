"""Payment card numbers, written and spoken. All are the card schemes' published test numbers."""

from collections.abc import Callable

import pytest

Find = Callable[..., list[str]]

FOUR_ONES = "four one one one one one one one one one one one one one one one"


@pytest.mark.parametrize(
    "number",
    [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111111111111111",
        "5555555555554444",
        "378282246310005",
        "6011111111111117",
        "30569309025904",
        "3530111333300000",
        "6200000000000005",
        "4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1",
    ],
)
def test_written_numbers_are_found(find: Find, number: str):
    assert find("CARD", f"so {number} it is") == [number]


@pytest.mark.parametrize(
    "number",
    [
        FOUR_ONES,
        "four triple one one one one one, one one one one, um one one one one",
        "forty one eleven eleven eleven eleven eleven eleven eleven",
        "forty one eleven double one double one, one one one one one one one one",
    ],
)
def test_spoken_numbers_are_found(find: Find, number: str):
    assert find("CARD", f"so {number} okay") == [number]


def test_a_misheard_digit_does_not_matter_where_a_card_is_the_topic(find: Find):
    misheard = FOUR_ONES.removesuffix("one") + "two"
    assert find("CARD", f"my credit card is {misheard}") == [misheard]
    assert find("CARD", f"it is {misheard}") == []


@pytest.mark.parametrize("text", ["0000 0000 0000 0000", "9111 1111 1111 1111", "4111 1111 1111", "1234567812345670"])
def test_other_long_numbers_are_left(find: Find, text: str):
    assert find("CARD", f"so {text} it is") == []


def test_a_number_inside_a_longer_run_is_found_and_takes_the_digits_beside_it_along(find: Find):
    assert find("CARD", "12 4111 1111 1111 1111 123") == ["12 4111 1111 1111 1111 123"]
    assert find("CARD", "12 then 4111 1111 1111 1111") == ["4111 1111 1111 1111"]


def test_an_issuers_digits_in_groups_of_four_need_no_checksum(find: Find):
    assert find("CARD", "so 4111 1111 1111 1112 it is") == ["4111 1111 1111 1112"]


def test_half_a_number_that_is_introduced_as_a_card_is_found(find: Find):
    assert find("CARD", "my card number is 4 1 1 1 1 1 1 1 2") == ["4 1 1 1 1 1 1 1 2"]
