from collections.abc import Mapping, Sequence

import pytest

from moderation.toxicity.attribution import LEAST_WORDS, MOST_PARTS, sufficient_spans


class Listener:
    """Scores by how many of some words a text has; remembers what it was asked."""

    source, labels, languages = "listener@1", ("threat", "insult"), frozenset({"en"})

    def __init__(self, *bad: str) -> None:
        self.bad = set(bad)
        self.asked: list[str] = []

    def score(self, texts: Sequence[str]) -> list[Mapping[str, float]]:
        self.asked += texts
        counts = [len(self.bad & set(text.split())) for text in texts]
        return [{"threat": count / len(self.bad), "insult": min(count, 1)} for count in counts]


def phrase(text: str, *bad: str, label: str = "threat", limit: float = 1.0) -> str | None:
    span = sufficient_spans(Listener(*bad), text, {label: limit}).get(label)
    return None if span is None else text[span[0] : span[1]]


def test_the_shortest_phrase_that_reaches_the_limit_alone_is_found() -> None:
    assert phrase("well okay i will hurt you tomorrow my friend", "will", "hurt", "you") == "will hurt you"


def test_what_needs_all_of_the_text_has_no_phrase() -> None:
    assert phrase("hurt everybody else you", "hurt", "you") is None


def test_a_single_word_is_no_evidence() -> None:
    found = phrase("well then hurt", "hurt")
    assert found is not None
    assert len(found.split()) == LEAST_WORDS
    assert phrase("hurt you", "hurt") is None


def test_each_label_has_its_own_phrase_and_its_own_limit() -> None:
    text = "you there will soon hurt"
    spans = sufficient_spans(Listener("will", "hurt"), text, {"threat": 1.0, "insult": 1.0})
    assert {label: text[first:last] for label, (first, last) in spans.items()} == {
        "threat": "will soon hurt",
        "insult": "soon hurt",
    }


def test_no_phrase_is_scored_twice() -> None:
    listener = Listener("will", "hurt")
    sufficient_spans(listener, "you there will soon hurt", {"threat": 1.0, "insult": 1.0})
    assert len(listener.asked) == len(set(listener.asked))


@pytest.mark.parametrize("words", [100, 1_000])
def test_a_long_text_is_searched_in_a_bounded_number_of_steps(words: int) -> None:
    listener = Listener("hurt")
    text = " ".join(["so"] * words + ["hurt"] + ["then"] * words)
    (span,) = sufficient_spans(listener, text, {"threat": 1.0}).values()
    assert "hurt" in text[span[0] : span[1]]
    assert len(listener.asked) <= 2 * MOST_PARTS


@pytest.mark.parametrize("text", ["", " ", "hurt"])
def test_texts_without_two_words_have_none(text: str) -> None:
    assert sufficient_spans(Listener("hurt"), text, {"threat": 0.0}) == {}
