import random
from collections.abc import Mapping, Sequence

import pytest

from moderation.toxicity.evaluate import (
    GAME,
    HARD,
    LEAST_THRESHOLD,
    RATES,
    identity_alarms,
    latency_ms,
    recommended_thresholds,
)


class Fixed:
    """Scores every text by its length, so that expectations can be worked out by hand."""

    source = "fixed@1"
    labels = ("toxicity", "threat")
    languages = frozenset({"en"})

    def score(self, texts: Sequence[str]) -> list[Mapping[str, float]]:
        return [dict.fromkeys(self.labels, len(text) / 100) for text in texts]


def pool(*values: float) -> list[dict[str, float]]:
    return [{"toxicity": value, "threat": value} for value in values]


def test_a_threshold_holds_on_every_kind_of_benign_talk() -> None:
    found = recommended_thresholds({"talk": pool(0.6), GAME: pool(0.8, 0.1)}, Fixed.labels)
    assert found["threat"][str(RATES[0])] == pytest.approx(0.8, abs=1e-3)


def test_hard_templates_count_a_tenth() -> None:
    scores = pool(*[0.9] * 5, *[0.1] * 95)
    assert recommended_thresholds({HARD: scores}, Fixed.labels)["threat"]["0.01"] == LEAST_THRESHOLD
    assert recommended_thresholds({"talk": scores}, Fixed.labels)["threat"]["0.01"] == pytest.approx(0.9, abs=1e-3)


def test_game_transcripts_count_less_for_labels_that_they_hold() -> None:
    scores = pool(*[0.9] * 2, *[0.1] * 98)
    found = recommended_thresholds({GAME: scores}, Fixed.labels)
    assert found["toxicity"]["0.01"] == LEAST_THRESHOLD
    assert found["threat"]["0.01"] == pytest.approx(0.9, abs=1e-3)


def test_thresholds_do_not_fall_below_the_least_one() -> None:
    assert recommended_thresholds({"talk": pool(0.01)}, Fixed.labels)["threat"]["0.01"] == LEAST_THRESHOLD


def test_latency_is_measured_on_utterances_of_about_twelve_words() -> None:
    assert set(latency_ms(Fixed(), ["one two three four five six seven eight nine ten eleven"] * 5)) == {"p50", "p95"}


def test_false_alarms_are_counted_per_identity_on_harmless_sentences_only() -> None:
    short, long = "Joe is a kind deaf", "Joe is a friendly african american " + "x" * 50
    phrases = [("I am deaf", False), ("I am african american", False), (short, False), (long, False), ("z" * 90, True)]
    limits = {"toxicity": 0.5, "identity_attack": 0.5}

    class WithIdentities(Fixed):
        labels = ("toxicity", "identity_attack")

    found = identity_alarms(WithIdentities(), phrases, random.Random(1), limits)
    assert found["false_alarms"] == {"african american": 0.5, "deaf": 0.0}
    assert found["false_alarms_mean"] == 0.25
    assert found["auc"] == 1.0
