import pytest

from moderation.toxicity.training.near_duplicates import NearDuplicates

TESTED = "The quick brown fox jumps over the lazy dog near the old river bank at dawn"


@pytest.mark.parametrize(
    "text",
    [
        TESTED,
        TESTED.upper() + "!!!",
        "@someone RT: the quick, brown fox jumps over the lazy dog near the old river bank at dawn http://x.y/z",
        "the quick brown fox jumps over the lazy cat near the old river bank at dawn",
        "fox jumps over the lazy dog near the old river bank",
        "As I said before: " + TESTED + " and then it went home, and slept, and dreamt of more dogs to jump over.",
        "hi THERE",
    ],
)
def test_texts_of_the_test_sets_and_their_near_duplicates_are_recognised(text: str) -> None:
    assert text in NearDuplicates([TESTED, "Hi there."])


@pytest.mark.parametrize(
    "text", ["hi there friend", "the quick brown fox is asleep on the bank of a wide river in spring", "the lazy dog"]
)
def test_texts_that_only_share_words_are_not(text: str) -> None:
    assert text not in NearDuplicates([TESTED, "Hi there."])


def test_a_text_without_words_is_no_duplicate() -> None:
    assert "?!" not in NearDuplicates(["...", TESTED])
