"""Texts that Whisper tiny.en wrote for numbers read out digit by digit; digits of these stayed in the clear."""

import pytest

from moderation.masking import MaskSpan, mask, pii_label
from moderation.pii.detector import PiiDetector
from moderation.settings import PiiSettings

DETECTOR = PiiDetector(PiiSettings())


def masked(text: str) -> str:
    spans = [
        MaskSpan(start=match.start, end=match.end, replacement=pii_label(match.entity))
        for match in DETECTOR.find(text, "en")
    ]
    return mask(text, (), spans).text


@pytest.mark.parametrize(
    ("text", "published"),
    [
        ("You can reach me at 6 4 6 5 5 5 0 1 A 3", "You can reach me at [PHONE]"),
        ("You can call me at 718 555- here 1 6 4.", "You can call me at [PHONE]."),
        ("You can call me at 7 1 8 5 5 5 here 1 6 4", "You can call me at [PHONE]"),
        ("You can reach me at 6 or 6 5 5 5 0 1 8 3", "You can reach me at [PHONE]"),
        ("You can reach me at 6 to 0 6 5 5 5 0 1 3 9", "You can reach me at [PHONE]"),
        ("You can reach me at 6 2 0 B A 5 all 9 8 9", "You can reach me at [PHONE]"),
        ("5 0 3 or 27 5 or 6 3", "[PHONE]"),
        ("2, 0, 6, or 0, 0, 5, 6, 0, 5.", "[PHONE]."),
        ("5, 5, 5, 0, 1, 9, 9", "[PHONE]"),
        ("3 1 0 5 5 0 1 4 1", "[PHONE]"),
        ("2. 9. 3. 3. 1. 8. 5. 4. 9.", "[PHONE]."),
        ("5 1 4 8 4 3 3 1 4 10 0 8", "[PHONE]"),
        ("4-1-5, 5-5-5. 0-1-3-4", "[PHONE]"),
        ("41, 5555, 0134", "[PHONE]"),
        ("You can call me at 7 5 5 5 8 1 9 7 7 7", "You can call me at [PHONE]"),
        ("Connect to my server at 203.0. .1. 1 3 . . 7.", "Connect to my server at [IP_ADDRESS]."),
        ("Connecting my server at 203.0.1.1.3.7", "Connecting my server at [IP_ADDRESS]"),
        ("Connect to my server at 203.0. . 1 1 3 . . . .", "Connect to my server at [IP_ADDRESS] . . . ."),
    ],
)
def test_no_digit_of_a_number_is_published(text: str, published: str):
    assert masked(text) == published


def test_a_word_that_completes_a_number_at_the_end_of_a_sentence_is_its_last_digit():
    assert masked("so 4 1 5 5 5 5 0 1 3 tree.") == "so [PHONE]."


@pytest.mark.parametrize(
    "text",
    [
        "2 or 3, 4 or 5, 6 or 7, 8 or 9",
        "2000 or 3000 or 4000 for 5000",
        "I have 3 or 4 for you and 1 more, or 2",
        "5 6 7 8, 1 2 3 4, 5 6 7 8",
        "1 2 3 for 5, 1 2 3 for 5",
        "2 4 6 8 2 4 6 8",
        "won a game to get a free tree for a heaven",
        "the server patch is 3.2.1 and 10.20",
    ],
)
def test_talk_with_words_like_digits_is_left(text: str):
    assert masked(text) == text


def test_words_behind_a_number_are_not_taken_for_digits():
    assert masked("call 415 555 0133 for a free game") == "call [PHONE] for a free game"


def test_the_explanation_tells_how_much_was_misheard():
    (match,) = DETECTOR.find("7 1 8 5 5 5 here 1 6 4", "en")
    assert "1 of them heard as other words" in match.rule
