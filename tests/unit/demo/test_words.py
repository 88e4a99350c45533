"""Words are compared fairly: spelling is no error, mishearing is."""

import pytest

from moderation.demo.words import Difference, differences, normalise


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("You can call me at 718-555-0164.", "You can call me at seven one eight, five five five, zero one six four."),
        ("We need 2,500 gold", "we need two thousand five hundred gold"),
        ("I am 21, or 320", "I'm twenty one or three hundred twenty"),
        ("John.Smith@example.com", "john dot smith at example dot com"),
        ("Maria99 at example.org", "maria nine nine at example dot org"),
        ("203.0.113.7", "two zero three dot zero dot one one three dot seven"),
        ("You're late, let's go, I can't wait!", "You are late; let us go: I can not wait"),
        ("one thousand", "1000"),
        ("You\u2019re", "you are"),
    ],
)
def test_two_spellings_of_the_same_words_are_equal(written, spoken):
    assert normalise(written) == normalise(spoken)


def test_a_number_is_a_word_a_digit():
    assert normalise("wait 5 or 12") == ["wait", "5", "or", "1", "2"]


def test_a_scale_without_a_number_is_a_word():
    assert normalise("a hundred times") == ["a", "hundred", "times"]


def test_different_words_stay_different():
    assert normalise("your garbage") != normalise("you are garbage")


def test_no_words_are_left_of_punctuation():
    assert normalise(" ... '' ?!") == []


@pytest.mark.parametrize(
    ("said", "heard", "changes"),
    [
        ("a b c", "a b c", []),
        ("a b c", "a x c", [("b", "x")]),
        ("a b c", "a c", [("b", "")]),
        ("a c", "a b c", [("", "b")]),
        ("", "a b", [("", "a"), ("", "b")]),
        ("a b", "", [("a", ""), ("b", "")]),
    ],
)
def test_differences_are_the_fewest_changes_in_order(said, heard, changes):
    expected = [Difference(said=one, heard=other) for one, other in changes]
    assert differences(said.split(), heard.split()) == expected
