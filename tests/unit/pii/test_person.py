"""Names of people."""

from collections.abc import Callable

import pytest

Find = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("my name is john smith and i live here", "john smith"),
        ("My name is John Smith.", "John Smith"),
        ("my name's dave", "dave"),
        ("hi, my name is, um, Xarvok", "Xarvok"),
        ("my name is xarvok", "xarvok"),
        ("his real name is pete wilson", "pete wilson"),
        ("her last name is Kowalczyk", "Kowalczyk"),
        ("my full name is Anna Maria Lopez Garcia, okay", "Anna Maria Lopez Garcia"),
        ("i'm called anna kowalczyk", "anna kowalczyk"),
        ("this is john miller speaking", "john miller"),
        ("John Miller speaking", "John Miller"),
        ("i'm john", "john"),
        ("call me steve", "steve"),
        ("Mr. Henderson told me", "Henderson"),
        ("i saw mrs patel's dog", "patel"),
        ("my teacher's name is mrs henderson", "henderson"),
        ("ask doctor lopez", "lopez"),
        ("I met Jason Charles Miller there", "Jason Charles Miller"),
        ("that was Patrick O'Neill again", "Patrick O'Neill"),
        ("i know where john q smith lives", "john q smith"),
        ("she lives with Jean-Luc Moreau now", "Jean-Luc Moreau"),
        ("MY NAME IS JOHN SMITH", "JOHN SMITH"),
    ],
)
def test_names_are_found(find: Find, text: str, name: str):
    assert " ".join(find("PERSON", text)) == name


@pytest.mark.parametrize(
    "text",
    [
        "nice shot mike",
        "my name is not important",
        "my name is on the list",
        "my name is legion",
        "My name is Nobody.",
        "the name is hard to say",
        "call me crazy",
        "call me later",
        "I'm Christian and my wife is Jewish",
        "i'm going to mark the map",
        "i will smith a sword",
        "Will You help me",
        "mark that one as done",
        "this is john",
        "i miss the doctor",
        "we should hunt a dragon",
        "my address is 12 baker street",
        "jack of all trades",
        "a name is a name is a name",
        "what is your name",
    ],
)
def test_talk_without_full_names_is_left(find: Find, text: str):
    assert find("PERSON", text) == []
