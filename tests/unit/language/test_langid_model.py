import pytest

from moderation.errors import ConfigurationError
from moderation.language.text import LangidModel


@pytest.fixture(scope="module")
def model() -> LangidModel:
    return LangidModel(["en", "ko", "de", "es"])


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("we are going to the park with our friends", "en"),
        ("wir gehen heute mit unseren Freunden in den Park", "de"),
        ("오늘 날씨가 아주 좋습니다", "ko"),
        ("hoy vamos al parque con nuestros amigos", "es"),
    ],
)
def test_a_sentence_is_in_its_language(model: LangidModel, text: str, language: str) -> None:
    probabilities = model.language_probabilities(text)
    assert max(probabilities, key=lambda tag: probabilities[tag]) == language
    assert probabilities[language] > 0.9


@pytest.mark.parametrize(
    "text", ["", "x", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "a b " * 9_000]
)
def test_any_text_gives_probabilities_of_the_candidates_that_sum_to_one(model: LangidModel, text: str) -> None:
    probabilities = model.language_probabilities(text)
    assert set(probabilities) == {"en", "ko", "de", "es"}
    assert sum(probabilities.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("candidates", [["en", "tlh"], []])
def test_languages_it_cannot_read_are_refused(candidates: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="MODERATION_LANGUAGE__CANDIDATES"):
        LangidModel(candidates)


def test_it_names_its_version(model: LangidModel) -> None:
    assert model.source.startswith("langid@1.")
