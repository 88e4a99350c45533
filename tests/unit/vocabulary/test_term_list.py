"""Reading term lists: what is refused, and how the refusal helps."""

from pathlib import Path

import pytest

from moderation.errors import ConfigurationError
from moderation.events import Severity
from moderation.vocabulary.filter import VocabularyFilter
from moderation.vocabulary.term_list import load_term_list, shipped_lists

GOOD = """\
name: clan-rules
version: "3"
entries:
  - term: some phrase
    category: spam
    severity: medium
    method: mask
  - {term: other, category: spam, severity: low, method: tag, languages: [de, en]}
"""


def write(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "terms.yaml"
    path.write_text(content, encoding="utf-8")
    return path


def refusal(tmp_path: Path, content: str) -> str:
    path = write(tmp_path, content)
    with pytest.raises(ConfigurationError) as raised:
        load_term_list(path)
    assert str(path) in str(raised.value)
    return str(raised.value)


def test_a_good_list_is_read(tmp_path: Path):
    loaded = load_term_list(write(tmp_path, GOOD))
    assert (loaded.name, loaded.version, len(loaded.entries)) == ("clan-rules", "3", 2)
    assert loaded.entries[1].languages == ["de", "en"]


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("severity: medium", "severity: awful", "line 6, entry 1, severity: Input should be 'none'"),
        ("method: tag", "method: bleep", "line 8, entry 2, method: Input should be 'mask'"),
        ("category: spam\n", "category: Spam!\n", "line 5, entry 1, category: String should match"),
        ("    method: mask\n", "", "line 4, entry 1, method: Field required"),
        ("    method: mask\n", "    method: mask\n    colour: red\n", "line 8, entry 1, colour: Extra inputs"),
        ("term: other", "term: no", "line 8, entry 2, term: Input should be a valid string"),
        ("term: other", "term: ''", "line 8, entry 2, term: String should have at least 1"),
        ("term: other", "term: '!?'", "line 8, entry 2: its term has no letters"),
        ("term: other", "term: SOME-phrase", "line 8, entry 2: its term is that of entry 1"),
        ("[de, en]", "[German]", "line 8, entry 2, languages.0: String should match"),
        ("name: clan-rules", "name: Clan Rules", "line 1, name: String should match"),
        ("name: clan-rules\n", "", "line 1, name: Field required"),
    ],
)
def test_a_refusal_names_file_line_entry_and_reason(tmp_path: Path, before: str, after: str, reason: str):
    assert before in GOOD
    languages = "    method: mask\n    languages: [en]\n" if "SOME" in after else "    method: mask\n"
    content = GOOD.replace("    method: mask\n", languages) if "SOME" in after else GOOD
    message = refusal(tmp_path, content.replace(before, after, 1))
    expected = reason.replace("line 8", "line 9") if "SOME" in after else reason
    assert expected in message


def test_the_same_term_for_different_languages_is_accepted(tmp_path: Path):
    content = GOOD.replace("term: other", "term: some phrase").replace("[de, en]", "[de]")
    content = content.replace("    method: mask\n", "    method: mask\n    languages: [en]\n")
    assert len(load_term_list(write(tmp_path, content)).entries) == 2


def test_a_file_that_is_not_yaml_is_refused_with_its_line(tmp_path: Path):
    assert ": line 2: not YAML" in refusal(tmp_path, "name: x\nentries: [}\n")


@pytest.mark.parametrize("content", ["", "- a\n- b\n", "just text"])
def test_a_file_that_is_not_a_mapping_is_refused(tmp_path: Path, content: str):
    assert "a mapping with name, version and entries" in refusal(tmp_path, content)


def test_a_list_without_entries_is_refused(tmp_path: Path):
    assert "entries: List should have at least 1" in refusal(tmp_path, "name: a\nversion: '1'\nentries: []\n")


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path):
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"name: caf\xe9")
    with pytest.raises(ConfigurationError, match="not UTF-8 at byte 9"):
        load_term_list(path)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="cannot read the term list"):
        VocabularyFilter.from_files([tmp_path / "nowhere.yaml"])


def test_a_yaml_tag_that_would_run_code_is_refused(tmp_path: Path):
    assert "not YAML" in refusal(tmp_path, "name: !!python/object/apply:os.getcwd []\n")


def test_the_list_that_ships_loads_and_is_used_when_none_is_named():
    (path,) = shipped_lists()
    shipped = load_term_list(path)
    assert VocabularyFilter.from_files([]).sources == (f"{shipped.name}@{shipped.version}",)


def test_every_term_that_ships_matches_itself():
    (path,) = shipped_lists()
    vocabulary = VocabularyFilter.from_files([path])
    for number, entry in enumerate(load_term_list(path).entries, start=1):
        (match,) = [found for found in vocabulary.match(f"well {entry.term} then", "en") if found.entry == number]
        assert match.end - match.start == len(entry.term)


@pytest.mark.parametrize(
    "text",
    [
        "Scunthorpe and Penistone play on saturday",
        "the assassin took a class in Sussex",
        "kill the boss, plant the bomb, I am dead",
        "a shiitake cocktail with Dick Van Dyke",
        "he'll be back, she'll tell you",
        "spice the snigger in the matchstick",
    ],
)
def test_innocent_text_matches_nothing_of_what_ships(text: str):
    assert VocabularyFilter.from_files([]).match(text, "en") == []


def test_swearing_alone_is_not_severe():
    assert {match.severity for match in VocabularyFilter.from_files([]).match("oh shit", "en")} == {Severity.NONE}
