"""What holds for masking whatever the text."""

from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.events import Word
from moderation.masking import REMOVED, TERM_MASK, MaskSpan, mask, span_times

REPLACEMENTS = st.sampled_from([REMOVED, TERM_MASK, "[PHONE]", "[EMAIL]"])
TOKENS = st.lists(st.text("abcdefghij.,'-", min_size=1, max_size=6), min_size=1, max_size=12)


@st.composite
def utterances(draw: st.DrawFn) -> tuple[str, tuple[Word, ...], list[MaskSpan]]:
    tokens = draw(TOKENS)
    text = " ".join(tokens)
    words = tuple(
        Word(text=token, start_ms=10 * number, end_ms=10 * number + 9, confidence=draw(st.floats(0, 1)))
        for number, token in enumerate(tokens)
    )
    ends = st.integers(0, len(text))
    pairs = draw(st.lists(st.tuples(ends, ends, REPLACEMENTS), max_size=5))
    spans = [MaskSpan(start=min(a, b), end=max(a, b), replacement=replacement) for a, b, replacement in pairs]
    return text, words, spans


def reveal_nothing(text: str, spans: list[MaskSpan]) -> str:
    """The text with every character to be masked turned into one that occurs nowhere else."""
    characters = list(text)
    for span in spans:
        for position in range(span.start, span.end):
            if characters[position] != " ":
                characters[position] = "\N{SNOWMAN}"
    return "".join(characters)


@settings(deadline=None)
@given(utterances())
def test_no_character_of_a_masked_span_survives(utterance: tuple[str, tuple[Word, ...], list[MaskSpan]]):
    text, words, spans = utterance
    marked = reveal_nothing(text, spans)
    marked_words = tuple(
        Word(text=part, start_ms=word.start_ms, end_ms=word.end_ms, confidence=word.confidence)
        for part, word in zip(marked.split(" "), words, strict=True)
    )
    assert "\N{SNOWMAN}" not in mask(marked, marked_words, spans).text
    assert "\N{SNOWMAN}" not in mask(marked, (), spans).text


@settings(deadline=None)
@given(utterances())
def test_masked_words_join_to_the_masked_text_in_order_of_time(
    utterance: tuple[str, tuple[Word, ...], list[MaskSpan]],
):
    text, words, spans = utterance
    masked = mask(text, words, spans)
    assert masked.text == " ".join(word.text for word in masked.words)
    times = [time for word in masked.words for time in (word.start_ms, word.end_ms)]
    assert times == sorted(times)
    assert all(word.text for word in masked.words)


@settings(deadline=None)
@given(utterances())
def test_words_outside_every_span_are_untouched(utterance: tuple[str, tuple[Word, ...], list[MaskSpan]]):
    text, words, spans = utterance
    masked = mask(text, words, spans)
    position = 0
    for word in words:
        first, last = position, position + len(word.text)
        position = last + 1
        if all(span.end <= first or last <= span.start for span in spans):
            assert word in masked.words


@settings(deadline=None)
@given(utterances())
def test_masking_nothing_changes_nothing(utterance: tuple[str, tuple[Word, ...], list[MaskSpan]]):
    text, words, _ = utterance
    masked = mask(text, words, [])
    assert (masked.text, masked.words) == (text, words)


@settings(deadline=None)
@given(utterances())
def test_span_times_lie_within_the_utterance(utterance: tuple[str, tuple[Word, ...], list[MaskSpan]]):
    text, words, spans = utterance
    for span in spans:
        start_ms, end_ms = span_times(text, words, span.start, span.end)
        if start_ms is not None and end_ms is not None:
            assert words[0].start_ms <= start_ms <= end_ms <= words[-1].end_ms
        else:
            assert not text[span.start : span.end].strip()
