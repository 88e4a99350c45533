import pytest

from moderation.toxicity.evaluation.thresholds import GAME, HARD, LEAST_THRESHOLD, RATES, recommended_thresholds

LABELS = ("toxicity", "threat")


def pool(*values: float) -> list[dict[str, float]]:
    return [{"toxicity": value, "threat": value} for value in values]


def test_a_threshold_holds_on_every_kind_of_benign_talk() -> None:
    found = recommended_thresholds({"talk": pool(0.6), GAME: pool(0.8, 0.1)}, LABELS)
    assert found["threat"][str(RATES[0])] == pytest.approx(0.8, abs=1e-3)


def test_hard_templates_count_a_tenth() -> None:
    scores = pool(*[0.9] * 5, *[0.1] * 95)
    assert recommended_thresholds({HARD: scores}, LABELS)["threat"]["0.01"] == LEAST_THRESHOLD
    assert recommended_thresholds({"talk": scores}, LABELS)["threat"]["0.01"] == pytest.approx(0.9, abs=1e-3)


def test_game_transcripts_count_less_for_labels_that_they_hold() -> None:
    scores = pool(*[0.9] * 2, *[0.1] * 98)
    found = recommended_thresholds({GAME: scores}, LABELS)
    assert found["toxicity"]["0.01"] == LEAST_THRESHOLD
    assert found["threat"]["0.01"] == pytest.approx(0.9, abs=1e-3)


def test_thresholds_do_not_fall_below_the_least_one() -> None:
    assert recommended_thresholds({"talk": pool(0.01)}, LABELS)["threat"]["0.01"] == LEAST_THRESHOLD
