import pytest

from moderation.asr.vosk.tokens import spoken_form


@pytest.mark.parametrize(
    ("token", "word"),
    [("아버지", "아버지"), ("[3]", "3"), ("(천)", "천"), ("<3>", "3"), ("[", "["), ("don't", "don't")],
)
def test_words_and_numerals_are_spoken(token: str, word: str) -> None:
    assert spoken_form(token) == word


@pytest.mark.parametrize("token", ["[unk]", "<unk>", "<eps>", "[noise]", "[laughter]", ""])
def test_names_of_sounds_and_of_the_unknown_are_not(token: str) -> None:
    assert spoken_form(token) is None
