from itertools import accumulate

import pytest

from moderation.asr.whisper.repetition import without_repetitions
from moderation.events import Word

SAID_MS, INVENTED_MS = 300, 20


def timed(text: str, lasting_ms: list[int]) -> list[Word]:
    ends = accumulate(lasting_ms)
    return [
        Word(text=word, start_ms=end_ms - lasts_ms, end_ms=end_ms, confidence=0.9)
        for word, lasts_ms, end_ms in zip(text.split(), lasting_ms, ends, strict=True)
    ]


def kept(words: list[Word]) -> str:
    return " ".join(words[index].text for index in without_repetitions(words))


def last_invented(text: str, invented: int) -> list[Word]:
    """The text, with no time for so many of its last words."""
    return timed(text, [SAID_MS] * (len(text.split()) - invented) + [INVENTED_MS] * invented)


@pytest.mark.parametrize(
    ("heard", "invented", "expected"),
    [
        ("You thought me silly. You thought me silly.", 4, "You thought me silly."),
        ("you thought me silly you thought me silly you thought me silly", 8, "you thought me silly"),
        ("It rained. You thought me, silly! you thought me silly", 4, "It rained. You thought me, silly!"),
        ("we went home and slept well. We went home", 3, "we went home and slept well."),
        ("shut up shut up shut up shut up", 4, "shut up shut up"),
    ],
)
def test_a_phrase_that_there_was_no_time_for_goes(heard: str, invented: int, expected: str) -> None:
    assert kept(last_invented(heard, invented)) == expected


def test_the_first_of_two_phrases_may_be_the_squeezed_one() -> None:
    heard = timed("you thought me silly you thought me silly", [INVENTED_MS] * 4 + [SAID_MS] * 4)
    assert kept(heard) == "you thought me silly"


def test_times_that_are_all_zero_are_no_time() -> None:
    assert kept(timed("you thought me silly you thought me silly", [0] * 8)) == "you thought me silly"


@pytest.mark.parametrize(
    "heard",
    [
        "",
        "no no no no",
        "go left go left go",
        "shut up shut up",
        "I want to go home because the long rain had come I want to",
        "kill the boss and plant the bomb",
    ],
)
def test_single_words_pairs_and_what_comes_again_later_stay(heard: str) -> None:
    assert kept(last_invented(heard, len(heard.split()) // 2)) == heard


@pytest.mark.parametrize("second_ms", [175, 200, 300, 500])
def test_a_phrase_said_twice_stays_said_twice(second_ms: int) -> None:
    chant = "tear down the fence tear down the fence"
    assert kept(timed(chant, [SAID_MS] * 4 + [second_ms] * 4)) == chant


def test_only_what_was_invented_goes_where_both_occur() -> None:
    heard = "tear down the fence tear down the fence go on and on go on and on"
    assert kept(last_invented(heard, 4)) == "tear down the fence tear down the fence go on and on"
