"""Masking a text and its words."""

import pytest

from moderation.errors import InvariantViolation
from moderation.events import Word
from moderation.masking import REMOVED, TERM_MASK, Masked, MaskSpan, mask, pii_label, span_times


def words_of(text: str) -> tuple[Word, ...]:
    return tuple(
        Word(text=part, start_ms=100 * number, end_ms=100 * number + 90, confidence=0.9 - number / 100)
        for number, part in enumerate(text.split(" "))
    )


def span(text: str, part: str, replacement: str) -> MaskSpan:
    start = text.index(part)
    return MaskSpan(start=start, end=start + len(part), replacement=replacement)


def masked(text: str, *spans: tuple[str, str]) -> Masked:
    return mask(text, words_of(text), [span(text, part, replacement) for part, replacement in spans])


def test_a_span_of_several_words_becomes_one_word_with_their_times_and_least_confidence():
    result = masked("call five five now", ("five five", pii_label("PHONE")))
    assert result.text == "call [PHONE] now"
    assert result.words[1] == Word(text="[PHONE]", start_ms=100, end_ms=290, confidence=0.88)


def test_punctuation_outside_the_span_stays_with_the_word():
    assert masked("mail (a@b.io), ok", ("a@b.io", "[EMAIL]")).text == "mail ([EMAIL]), ok"


def test_a_removed_word_takes_its_punctuation_with_it():
    result = masked("well, darn, ok", ("darn", REMOVED))
    assert result.text == "well, ok"
    assert [word.start_ms for word in result.words] == [0, 200]


def test_removing_every_word_leaves_nothing():
    assert masked("darn darn", ("darn darn", REMOVED)) == Masked(text="", words=())


def test_two_spans_in_one_word_are_both_replaced():
    assert masked("go one/two go", ("one", TERM_MASK), ("two", "[URL]")).text == "go ***/[URL] go"


def test_spans_that_share_a_word_are_replaced_together():
    result = masked("a b-c d", ("a b", TERM_MASK), ("c d", "[URL]"))
    assert result.text == "***-[URL]"
    assert len(result.words) == 1


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        (TERM_MASK, "[PHONE]", "[PHONE]"),
        ("[PHONE]", TERM_MASK, "[PHONE]"),
        (REMOVED, TERM_MASK, TERM_MASK),
        (REMOVED, "[URL]", "[URL]"),
    ],
)
def test_of_overlapping_replacements_the_most_telling_wins(first: str, second: str, winner: str):
    assert masked("a b c", ("a b", first), ("b c", second)).text == winner


def test_of_overlapping_labels_that_of_the_longer_span_wins():
    assert masked("a b ccc", ("a b", "[URL]"), ("b ccc", "[EMAIL]")).text == "[EMAIL]"


def test_a_text_without_words_is_masked_in_place():
    text = "shout  darn,  ok 12 ok"
    spans = [span(text, "darn", TERM_MASK), span(text, "12", "[PHONE]")]
    assert mask(text, (), spans) == Masked(text="shout  ***,  ok [PHONE] ok", words=())


@pytest.mark.parametrize(("text", "left"), [("darn it", "it"), ("oh darn it", "oh it"), ("oh darn", "oh")])
def test_a_removal_from_a_text_without_words_leaves_no_double_space(text: str, left: str):
    assert mask(text, (), [span(text, "darn", REMOVED)]).text == left


def test_an_empty_span_changes_nothing():
    assert mask("ab", (), [MaskSpan(start=1, end=1, replacement=TERM_MASK)]).text == "ab"


@pytest.mark.parametrize(("start", "end"), [(-1, 1), (0, 3), (2, 1)])
def test_a_span_outside_the_text_is_refused(start: int, end: int):
    with pytest.raises(InvariantViolation, match="outside"):
        mask("ab", (), [MaskSpan(start=start, end=end, replacement=TERM_MASK)])


def test_words_that_do_not_join_to_the_text_are_refused_without_telling_the_text():
    with pytest.raises(InvariantViolation) as raised:
        mask("secret words", words_of("other words"), [])
    assert "secret" not in str(raised.value)


def test_span_times_bound_the_words_that_are_touched():
    text = "call five five now"
    assert span_times(text, words_of(text), 5, 14) == (100, 290)
    assert span_times(text, words_of(text), 7, 8) == (100, 190)


def test_span_times_are_unknown_without_words_and_between_words():
    assert span_times("a b", (), 0, 1) == (None, None)
    assert span_times("a b", words_of("a b"), 1, 2) == (None, None)
