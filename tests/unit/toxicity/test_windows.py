import re

from hypothesis import given
from hypothesis import strategies as st

from moderation.toxicity.windows import highest, windows


def characters(text: str) -> list[tuple[int, int]]:
    """One token for every two characters of a word."""
    return [
        (at, min(at + 2, word.end())) for word in re.finditer(r"\S+", text) for at in range(word.start(), word.end(), 2)
    ]


def test_a_text_that_fits_is_one_window_unchanged() -> None:
    assert windows("  ab cd ", characters, 2) == ["  ab cd "]


def test_windows_end_between_words_and_overlap_by_a_quarter() -> None:
    assert windows("a b c d e f g", characters, 4) == ["a b c d", "d e f g"]


def test_a_word_longer_than_a_window_is_cut_between_tokens() -> None:
    assert windows("abcdefghij", characters, 2) == ["abcd", "efgh", "ij"]


@given(st.text(alphabet="ab \n", max_size=200), st.integers(1, 12))
def test_windows_fit_and_together_hold_every_word(text: str, max_tokens: int) -> None:
    pieces = windows(text, characters, max_tokens)
    assert pieces
    assert all(len(characters(piece)) <= max_tokens for piece in pieces)
    if all(len(characters(word)) <= max_tokens for word in text.split()):
        assert {word for piece in pieces for word in piece.split()} == set(text.split())
        assert text.split()[-1:] == pieces[-1].split()[-1:]


def test_the_highest_score_of_each_label_is_kept() -> None:
    assert highest([{"a": 0.1, "b": 0.9}, {"a": 0.5, "b": 0.2}], ("a", "b")) == {"a": 0.5, "b": 0.9}


def test_no_window_scores_zero() -> None:
    assert highest([], ("a",)) == {"a": 0.0}
