import pytest

from moderation.asr.whisper.repetition import without_repetitions


def kept(text: str) -> str:
    words = text.split()
    return " ".join(words[index] for index in without_repetitions(words))


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ("You thought me silly. You thought me silly.", "You thought me silly."),
        ("you thought me silly you thought me silly you thought me silly", "you thought me silly"),
        ("It rained. You thought me, silly! you thought me silly", "It rained. You thought me, silly!"),
        ("we went home and slept well. We went home", "we went home and slept well."),
    ],
)
def test_a_phrase_said_twice_is_said_once(heard: str, expected: str) -> None:
    assert kept(heard) == expected


@pytest.mark.parametrize(
    "heard",
    [
        "",
        "no no no no",
        "go left go left go",
        "I want to go home because the long rain had come I want to",
        "kill the boss and plant the bomb",
    ],
)
def test_what_people_repeat_stays(heard: str) -> None:
    assert kept(heard) == heard


def test_phrases_of_two_words_stay_unless_two_of_them_make_a_phrase_of_four() -> None:
    assert kept("shut up shut up") == "shut up shut up"
    assert kept("shut up shut up shut up shut up") == "shut up shut up"
