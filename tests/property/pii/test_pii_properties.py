"""What holds for personal data whatever the text."""

from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.masking import MaskSpan, mask, pii_label
from moderation.pii.detector import PiiDetector
from moderation.settings import PiiSettings

DETECTOR = PiiDetector(PiiSettings())
SPOKEN = {
    "0": ["zero", "oh", "0"], "1": ["one", "1"], "2": ["two", "2"], "3": ["three", "3"], "4": ["four", "4"],
    "5": ["five", "5"], "6": ["six", "6"], "7": ["seven", "7"], "8": ["eight", "8"], "9": ["nine", "9"],
}  # fmt: skip
PAUSES = st.sampled_from([" ", ", ", " uh ", " um, ", ". ", " - "])
PIECES = st.sampled_from(
    [
        "415-555-0133", "four one five five five five oh one double three", "j.doe@example.com", "call me", "at", "dot",
        "john dot doe at gmail dot com", "my name is john smith", "4111 1111 1111 1111", "203.0.113.7", "example.com",
        "my social is one two three four five six seven eight nine", "kill the boss", "3 2 1 go", "Mr. Henderson",
        "twenty three", "hundred", "oh", "my email is", "www dot example dot com slash login", "this is", "speaking",
    ]
)  # fmt: skip
TALK = st.lists(PIECES, min_size=1, max_size=6).map(" ".join)


def masked(text: str) -> str:
    spans = [
        MaskSpan(start=match.start, end=match.end, replacement=pii_label(match.entity))
        for match in DETECTOR.find(text, "en")
    ]
    return mask(text, (), spans).text


@settings(deadline=None)
@given(st.one_of(TALK, st.text(max_size=120)))
def test_matches_are_sorted_and_do_not_overlap_and_tell_none_of_the_text(text: str):
    matches = DETECTOR.find(text, "en")
    ends = [0]
    for match in matches:
        assert ends[-1] <= match.start < match.end <= len(text)
        assert 0 < match.score <= 1
        assert "@" not in match.rule
        ends.append(match.end)


@settings(deadline=None)
@given(st.data(), st.integers(0, 99))
def test_a_phone_number_is_found_however_its_digits_are_said(data: st.DataObject, line: int):
    digits = f"41555501{line:02d}"
    said = data.draw(st.sampled_from(SPOKEN[digits[0]]))
    for digit in digits[1:]:
        said += data.draw(PAUSES) + data.draw(st.sampled_from(SPOKEN[digit]))
    text = f"well it was {said} you know"
    (match,) = DETECTOR.find(text, "en")
    assert (match.entity, text[match.start : match.end]) == ("PHONE", said)


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=8), st.sampled_from(["com", "org", "net"]))
def test_a_spelled_address_is_found_whole(letters: list[str], ending: str):
    address = f"{' '.join(letters)} at gmail dot {ending}"
    text = f"my email is {address} okay"
    (match,) = DETECTOR.find(text, "en")
    assert text[match.start : match.end] == address


@settings(deadline=None)
@given(TALK)
def test_masked_text_has_nothing_left_to_mask(text: str):
    once = masked(text)
    assert masked(once) == once


@settings(deadline=None)
@given(st.text("0123456789 .,-()+", max_size=80))
def test_any_string_of_digits_and_punctuation_is_read(text: str):
    for match in DETECTOR.find(text, "en"):
        assert any(map(str.isdigit, text[match.start : match.end]))
