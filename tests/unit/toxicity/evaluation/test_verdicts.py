import pytest

from moderation.toxicity.contrast import Group, Utterance
from moderation.toxicity.evaluation.functional import by_group, by_kind
from moderation.toxicity.evaluation.verdicts import is_flagged, should_be_flagged

LIMITS = {"toxicity": 0.5, "obscene": 0.5, "threat": 0.9}
GULLS, CROWS = (Group(adjective=one, one=f"a {one}", many=f"{one}s") for one in ("gull", "crow"))


def said(kind: str, toxicity: float, group: Group | None = None) -> Utterance:
    return Utterance(text="x", kind=kind, targets={"toxicity": toxicity}, group=group)


def scored(*values: float) -> list[dict[str, float]]:
    return [{"toxicity": value, "obscene": 1.0} for value in values]


@pytest.mark.parametrize(
    ("scores", "flagged"),
    [({"toxicity": 0.5}, True), ({"toxicity": 0.49}, False), ({"obscene": 1.0}, False), ({"threat": 0.8}, False)],
)
def test_a_label_flags_from_its_threshold_on_and_swearing_alone_does_not(
    scores: dict[str, float], *, flagged: bool
) -> None:
    assert is_flagged(scores, LIMITS) is flagged


@pytest.mark.parametrize(
    ("targets", "wanted"),
    [({}, False), ({"toxicity": 0.4}, None), ({"sexual_explicit": 0.8}, True), ({"obscene": 1.0}, False)],
)
def test_what_people_may_differ_about_is_asked_of_nobody(targets: dict[str, float], *, wanted: bool | None) -> None:
    assert should_be_flagged(targets) is wanted


def test_accuracy_is_over_what_everybody_agrees_on() -> None:
    utterances = [said("insult", 1.0), said("insult", 1.0), said("insult", 0.4), said("game", 0.0), said("mild", 0.4)]
    found = by_kind(utterances, scored(0.9, 0.1, 0.9, 0.1, 0.1), LIMITS)
    assert found["insult"] == {"texts": 3, "to_be_flagged": 2, "flagged": 0.6667, "accuracy": 0.5}
    assert found["game"]["accuracy"] == 1.0
    assert found["mild"]["accuracy"] is None


def test_each_group_has_its_false_alarms_and_its_misses() -> None:
    utterances = [said("a", 0.0, GULLS), said("a", 0.0, CROWS), said("b", 1.0, GULLS), said("b", 1.0, CROWS)]
    found = by_group([*utterances, said("c", 0.0)], scored(0.9, 0.1, 0.9, 0.1, 0.9), LIMITS)
    assert found == {
        "gulls": {"harmless_flagged": 1.0, "attacks_missed": 0.0},
        "crows": {"harmless_flagged": 0.0, "attacks_missed": 1.0},
    }
