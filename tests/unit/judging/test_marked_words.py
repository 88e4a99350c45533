"""A detection of the toxicity model says when the words were said that it rests on."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from moderation.clock import ManualClock
from moderation.events import Detection, LanguageGuess, Word
from moderation.judging import HeardText, TextJudge
from moderation.policy.policy import Policy


class Listener:
    """Threats are "will hurt"; what it scored is remembered."""

    source, labels, languages = "listener@1", ("threat",), frozenset({"en"})

    def __init__(self) -> None:
        self.scored: list[str] = []

    def score(self, texts: Sequence[str]) -> list[Mapping[str, float]]:
        self.scored += texts
        return [{"threat": 1.0 if "will hurt" in text else 0.0} for text in texts]


def judged(text: str, *, spoken: bool = True) -> tuple[tuple[Detection, ...], Listener]:
    listener = Listener()
    nothing: Any = SimpleNamespace(match=lambda *_: (), find=lambda *_: (), sources=(), source="nothing")
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    judge = TextJudge(toxicity=listener, vocabulary=nothing, pii=nothing, policy=Policy.load(None), clock=clock)
    words = tuple(
        Word(text=word, start_ms=100 * at, end_ms=100 * at + 90, confidence=1.0) for at, word in enumerate(text.split())
    )
    heard = HeardText(text=text, words=words if spoken else (), language=LanguageGuess(language="en", confidence=1.0))
    return judge.judge(heard).verdict.detections, listener


def test_the_words_that_alone_reach_the_threshold_are_marked() -> None:
    ((threat,), _) = judged("so i will hurt you")
    assert (threat.start_ms, threat.end_ms) == (200, 390)
    assert threat.explanation.endswith("for critical; the marked words alone reach it.")


def test_a_text_that_needs_all_of_its_words_is_not_marked() -> None:
    ((threat,), _) = judged("will hurt")
    assert (threat.start_ms, threat.end_ms) == (None, None)
    assert threat.explanation.endswith("for critical.")


def test_typed_text_has_no_times_and_costs_one_score() -> None:
    ((threat,), listener) = judged("so i will hurt you", spoken=False)
    assert threat.start_ms is None
    assert listener.scored == ["so i will hurt you"]


def test_harmless_text_costs_one_score() -> None:
    found, listener = judged("so i will help you")
    assert not found
    assert listener.scored == ["so i will help you"]
