"""Reading numbers the way people say them."""

import pytest

from moderation.pii.spoken_number import read_numbers
from moderation.pii.tokens import tokenise


def digits(text: str) -> list[str]:
    return [("~" if atom.quantity else "") + atom.digits for atom in read_numbers(tokenise(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("five", ["5"]),
        ("double five triple oh", ["55", "000"]),
        ("double 5", ["55"]),
        ("double trouble", []),
        ("oh my god", []),
        ("oh five oh", ["0", "5", "0"]),
        ("eleven nineteen", ["11", "19"]),
        ("twenty three forty five", ["23", "45"]),
        ("twenty-three", ["23"]),
        ("ninety", ["90"]),
        ("eight hundred", ["800"]),
        ("eight hundred five five five", ["800", "5", "5", "5"]),
        ("eight hundred fifty five", ["855"]),
        ("one hundred and twenty", ["~120"]),
        ("nineteen hundred", ["1900"]),
        ("five thousand", ["~5"]),
        ("1,500,000", ["~1500000"]),
        ("415,555,0133", ["415", "555", "0133"]),
        ("5pm", ["~5"]),
        ("50%", ["~50"]),
        ("$20", ["~20"]),
        ("4th", ["~4"]),
        ("12345678Z", ["12345678"]),
        ("five for five", ["5", "4", "5"]),
        ("go for five", ["5"]),
        ("\uff15\uff16", ["56"]),
    ],
)
def test_numbers_are_read(text: str, expected: list[str]):
    assert digits(text) == expected
