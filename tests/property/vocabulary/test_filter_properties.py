"""What holds for vocabulary filters whatever the text."""

from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.events import Severity
from moderation.vocabulary.filter import VocabularyFilter
from moderation.vocabulary.match import FilterMethod
from moderation.vocabulary.normalised import normalise
from moderation.vocabulary.term_list import Entry, TermList

TERM_WORDS = ("zorp", "quib", "vlat")
VOCABULARY = VocabularyFilter(
    [
        TermList(
            name="test",
            version="1",
            entries=[
                Entry(term=term, category="x", severity=Severity.LOW, method=FilterMethod.MASK)
                for term in ("zorp", "zorp quib", "vlat zorp quib")
            ],
        )
    ]
)
SEPARATORS = st.text(' \t\n.,;:!?-_()"\N{EM DASH}\N{HORIZONTAL ELLIPSIS}', min_size=1, max_size=4)
LETTERS = st.text("abcxyz", min_size=1, max_size=5)


@st.composite
def written_variously(draw: st.DrawFn, words: tuple[str, ...]) -> str:
    cased = ["".join(draw(st.sampled_from([c, c.upper()])) for c in word) for word in words]
    return "".join(part + draw(SEPARATORS) for part in cased[:-1]) + cased[-1]


@settings(deadline=None)
@given(st.data(), LETTERS, LETTERS, SEPARATORS, SEPARATORS)
def test_case_punctuation_and_spacing_variants_match_with_exact_spans(
    data: st.DataObject, before: str, after: str, left: str, right: str
):
    variant = data.draw(written_variously(("vlat", "zorp", "quib")))
    text = before + left + variant + right + after
    (match,) = VOCABULARY.match(text, "en")
    assert text[match.start : match.end] == variant


@settings(deadline=None)
@given(st.sampled_from(TERM_WORDS), st.text("abcxyz0123456789\u00e9\u00df", min_size=1, max_size=5), st.booleans())
def test_nothing_matches_inside_a_word(term: str, affix: str, prefix: bool):
    word = affix + term if prefix else term + affix
    assert VOCABULARY.match(f"so {word} it is", "en") == []


@settings(deadline=None)
@given(st.text(max_size=200))
def test_every_match_of_any_text_is_a_term_and_spans_are_sorted(text: str):
    matches = VOCABULARY.match(text, None)
    assert [match.start for match in matches] == sorted(match.start for match in matches)
    for match in matches:
        assert normalise(text[match.start : match.end]).text in {"zorp", "zorp quib", "vlat zorp quib"}


@settings(deadline=None)
@given(st.text(max_size=60))
def test_normalising_is_idempotent(text: str):
    once = normalise(text).text
    assert normalise(once).text == once


@settings(deadline=None)
@given(st.text(max_size=60))
def test_normalised_characters_map_into_the_original_in_order(text: str):
    normalised = normalise(text)
    assert len(normalised.text) == len(normalised.starts) == len(normalised.ends)
    assert normalised.starts == sorted(normalised.starts)
    assert all(0 <= start < end <= len(text) for start, end in zip(normalised.starts, normalised.ends, strict=True))


@settings(deadline=None)
@given(st.text("abcXYZ '`.,-\u2019", max_size=60))
def test_ascii_and_unicode_text_are_normalised_alike(text: str):
    forced = normalise(text + " \u00e9").text.removesuffix("\u00e9").rstrip()
    assert normalise(text).text == forced
