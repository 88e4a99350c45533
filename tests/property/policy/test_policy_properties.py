"""What holds for the policy that ships whatever the scores."""

from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.policy.policy import Policy
from moderation.toxicity.classifier import LABELS

POLICY = Policy.load(None)
SCORES = st.dictionaries(st.sampled_from([*LABELS, "male", "female", "muslim"]), st.floats(0, 1))


@settings(deadline=None)
@given(SCORES)
def test_every_detection_is_a_harm_label_at_or_above_its_threshold(scores: dict[str, float]):
    for found in POLICY.toxicity_detections(scores, "en", "m"):
        assert found.category in LABELS
        assert found.threshold is not None
        assert scores[found.category] == found.score >= found.threshold


@settings(deadline=None)
@given(st.sampled_from(LABELS), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_score_is_never_less_severe(label: str, one: float, other: float):
    low, high = (
        POLICY.decide(POLICY.toxicity_detections({label: score}, "en", "m")).severity.rank
        for score in sorted((one, other))
    )
    assert low <= high


@settings(deadline=None)
@given(SCORES)
def test_the_verdict_is_that_of_its_most_severe_detection(scores: dict[str, float]):
    detections = POLICY.toxicity_detections(scores, "en", "m")
    verdict = POLICY.decide(detections)
    assert verdict.severity.rank == max((found.severity.rank for found in detections), default=0)
    assert sorted(found.category for found in verdict.detections) == sorted(found.category for found in detections)
