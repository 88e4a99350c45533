"""Matching term lists in texts."""

import random

import pytest

from moderation.errors import ConfigurationError
from moderation.events import Severity
from moderation.vocabulary.filter import VocabularyFilter
from moderation.vocabulary.match import FilterMethod
from moderation.vocabulary.term_list import Entry, TermList


def term_list(*entries: tuple[str, str, str], name: str = "test", languages: list[str] | None = None) -> TermList:
    return TermList(
        name=name,
        version="7",
        languages=languages,
        entries=[
            Entry(term=term, category=category, severity=Severity(severity), method=FilterMethod.MASK)
            for term, category, severity in entries
        ],
    )


def found(text: str, *lists: TermList, language: str | None = "en") -> list[str]:
    return [text[match.start : match.end] for match in VocabularyFilter(lists).match(text, language)]


APPLE = term_list(("apple pie", "fruit", "low"), ("banana", "fruit", "high"), ("don't panic", "advice", "low"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("an apple pie", "apple pie"),
        ("an APPLE-PIE!", "APPLE-PIE"),
        ("apple, pie", "apple, pie"),
        ("apple \n\t pie", "apple \n\t pie"),
        ("apple\N{EM DASH}pie", "apple\N{EM DASH}pie"),
        ("the banana's gone", "banana"),
        ("'banana'", "banana"),
        ("(banana)", "banana"),
        ("\N{LEFT DOUBLE QUOTATION MARK}banana\N{RIGHT DOUBLE QUOTATION MARK}", "banana"),
        ("\uff22\uff21\uff2e\uff21\uff2e\uff21", "\uff22\uff21\uff2e\uff21\uff2e\uff21"),
        ("bana\u00adna", "bana\u00adna"),
        ("DON\N{RIGHT SINGLE QUOTATION MARK}T PANIC", "DON\N{RIGHT SINGLE QUOTATION MARK}T PANIC"),
        ("don`t panic", "don`t panic"),
    ],
)
def test_case_width_punctuation_and_spacing_do_not_matter(text: str, expected: str):
    assert found(text, APPLE) == [expected]


@pytest.mark.parametrize("text", ["bananas", "abanana", "banana1", "apple tart pie", "pie apple", "applepie", "", "!?"])
def test_terms_match_whole_words_only(text: str):
    assert found(text, APPLE) == []


def test_an_apostrophe_keeps_words_apart_that_differ_without_it():
    assert found("he'll go, we'll see", term_list(("hell", "x", "low"), ("well", "x", "low"))) == []


def test_composed_and_decomposed_letters_are_the_same():
    terms = term_list(("caf\u00e9", "x", "low"), ("\u1112\u1161\u11ab", "x", "low"))
    assert found("cafe\u0301 \ud55c", terms) == ["cafe\u0301", "\ud55c"]


def test_the_length_of_folded_letters_does_not_shift_spans():
    assert found("\ufb01ne STRA\u00dfE \u0130 banana", term_list(("banana", "x", "low"), ("strasse", "x", "low"))) == [
        "STRA\u00dfE",
        "banana",
    ]


def test_korean_terms_match_with_particles_but_not_inside_words():
    terms = term_list(("\ubc14\ubcf4", "x", "low"))
    assert found("\ub108 \ubc14\ubcf4\uc57c", terms, language="ko") == ["\ubc14\ubcf4"]
    assert found("\uc0ac\ubc14\ubcf4", terms, language="ko") == []


def test_scripts_without_spaces_match_anywhere():
    assert found("\u4f60\u662f\u7b28\u86cb\u5427", term_list(("\u7b28\u86cb", "x", "low")), language="zh") == [
        "\u7b28\u86cb"
    ]


def test_combining_vowels_belong_to_their_word():
    assert found("\u0939\u093f\u0928\u094d\u0926\u0940", term_list(("\u0928", "x", "low")), language="hi") == []


def test_a_match_names_list_version_entry_and_what_to_do():
    (match,) = VocabularyFilter([APPLE]).match("a banana", "en-GB")
    assert (match.list_name, match.list_version, match.entry) == ("test", "7", 2)
    assert (match.category, match.severity, match.method) == ("fruit", Severity.HIGH, FilterMethod.MASK)


def test_a_match_inside_a_longer_one_that_is_as_severe_is_not_reported():
    assert found("red apple pie", term_list(("apple", "x", "low"), ("apple pie", "x", "low"))) == ["apple pie"]


def test_a_more_severe_match_inside_a_longer_one_is_reported_too():
    terms = term_list(("apple", "x", "high"), ("red apple pie", "x", "low"))
    assert found("red apple pie", terms) == ["red apple pie", "apple"]


def test_matches_that_overlap_in_part_are_both_reported():
    terms = term_list(("red apple", "x", "low"), ("apple pie", "x", "low"))
    assert found("red apple pie", terms) == ["red apple", "apple pie"]


def test_of_two_entries_of_a_category_for_one_span_the_most_severe_is_reported():
    lists = [term_list(("apple", "x", "low"), name="a"), term_list(("apple", "x", "high"), name="b")]
    (match,) = VocabularyFilter(lists).match("apple", "en")
    assert match.list_name == "b"


def test_two_categories_of_one_span_are_both_reported():
    lists = [term_list(("apple", "x", "low"), name="a"), term_list(("apple", "y", "high"), name="b")]
    assert [match.category for match in VocabularyFilter(lists).match("apple", "en")] == ["y", "x"]


@pytest.mark.parametrize(("language", "count"), [("de", 1), ("de-AT", 1), ("en", 0), ("und", 1), (None, 1)])
def test_a_list_of_other_languages_counts_only_when_the_language_is_unknown(language: str | None, count: int):
    assert len(found("apple", term_list(("apple", "x", "low"), languages=["de"]), language=language)) == count


def test_two_lists_of_one_name_are_refused():
    with pytest.raises(ConfigurationError, match="two term lists are named test"):
        VocabularyFilter([APPLE, APPLE])


def test_no_lists_match_nothing():
    assert VocabularyFilter([]).match("anything", "en") == []


def test_the_sources_are_the_lists_with_their_versions():
    assert VocabularyFilter([APPLE]).sources == ("test@7",)


def test_thousands_of_terms_are_matched_at_once():
    letters = random.Random(7)
    terms = sorted({"".join(letters.choices("bcdfghjklmnp", k=9)) for _ in range(20_000)})
    vocabulary = VocabularyFilter([term_list(*((term, "x", "low") for term in terms))])
    assert len(vocabulary.match(" ".join(terms[:500]), "en")) == 500


def test_a_hostile_text_of_nested_terms_is_matched_once_per_place():
    terms = term_list(*((" ".join(["a"] * n), "x", "low") for n in range(1, 20)))
    matches = VocabularyFilter([terms]).match("a " * 2_000, "en")
    assert 0 < len(matches) <= 2_000
