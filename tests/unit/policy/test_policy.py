"""What the policy concludes."""

import re

import pytest

from moderation.events import Detection, DetectionKind, Severity
from moderation.policy.document import PolicyDocument
from moderation.policy.policy import Policy
from moderation.policy.verdict import Action

DOCUMENT = {
    "id": "strict",
    "version": "4",
    "flag_at": "medium",
    "actions": {"none": "none", "low": "log", "medium": "review", "high": "mute", "critical": "escalate"},
    "toxicity": {
        "covered_languages": ["en"],
        "thresholds": {
            "threat": {"low": 0.5, "high": 0.8, "critical": 0.95},
            "insult": {"medium": 0.9},
        },
        "languages": {"de": {"insult": {"low": 0.7}}},
    },
    "vocabulary": {"severities": {"clan": {"spam": "high"}, "*": {"spam": "low", "slur": "critical"}}},
    "pii": {"default": "medium", "severities": {"PERSON": "none"}},
}
POLICY = Policy(document=PolicyDocument.model_validate(DOCUMENT))


def detection(severity: Severity, category: str = "x") -> Detection:
    return Detection(
        kind=DetectionKind.VOCABULARY,
        category=category,
        score=1.0,
        threshold=None,
        severity=severity,
        start_ms=None,
        end_ms=None,
        explanation="",
        source="",
    )


def severities(scores: dict[str, float], language: str | None = "en") -> dict[str, Severity]:
    return {found.category: found.severity for found in POLICY.toxicity_detections(scores, language, "model@1")}


@pytest.mark.parametrize(
    ("score", "severity"),
    [
        (0.5, Severity.LOW),
        (0.79, Severity.LOW),
        (0.8, Severity.HIGH),
        (0.95, Severity.CRITICAL),
        (1, Severity.CRITICAL),
    ],
)
def test_a_score_has_the_severity_of_the_highest_step_it_reaches(score: float, severity: Severity):
    assert severities({"threat": score}) == {"threat": severity}


def test_a_score_below_the_lowest_step_is_no_detection():
    assert severities({"threat": 0.499, "insult": 0.89}) == {}


def test_a_label_without_thresholds_is_no_detection():
    assert severities({"obscene": 1.0}) == {}


@pytest.mark.parametrize("label", ["male", "female", "muslim", "jewish", "homosexual_gay_or_lesbian", "black", "white"])
def test_mentioning_an_identity_is_no_detection(label: str):
    assert severities({label: 1.0}) == {}


def test_a_toxicity_detection_explains_itself():
    (found,) = POLICY.toxicity_detections({"threat": 0.91}, "en", "model@1")
    assert found.explanation == "Threat scored 0.91, at or above 0.8 for high."
    assert (found.kind, found.score, found.threshold) == (DetectionKind.TOXICITY, 0.91, 0.8)
    assert (found.source, found.start_ms, found.end_ms) == ("model@1", None, None)


def test_a_shown_score_is_never_rounded_over_a_step():
    (found,) = POLICY.toxicity_detections({"threat": 0.949999}, "en", "model@1")
    assert "scored 0.94," in found.explanation


@pytest.mark.parametrize("language", ["fr", "und", None, "ko-KR"])
def test_nothing_is_concluded_from_scores_in_a_language_that_is_not_covered(language: str | None):
    assert severities({"threat": 1.0}, language) == {}


def test_a_regional_tag_is_covered_by_its_language():
    assert severities({"threat": 1.0}, "en-GB") == {"threat": Severity.CRITICAL}


def test_a_language_of_its_own_replaces_whole_ladders_and_keeps_the_others():
    assert severities({"insult": 0.95, "threat": 0.8}, "de") == {"insult": Severity.LOW, "threat": Severity.HIGH}


def test_every_language_is_covered_by_a_star():
    rules = {**DOCUMENT["toxicity"], "covered_languages": ["*"]}
    policy = Policy(document=PolicyDocument.model_validate({**DOCUMENT, "toxicity": rules}))
    assert len(policy.toxicity_detections({"threat": 1.0}, "und", "m")) == 1


def vocabulary(list_name: str, category: str) -> Detection:
    return POLICY.vocabulary_detection(
        list_name=list_name,
        list_version="2",
        entry=14,
        category=category,
        severity=Severity.MEDIUM,
        method="mask",
        start_ms=100,
        end_ms=300,
    )


@pytest.mark.parametrize(
    ("list_name", "category", "severity"),
    [
        ("clan", "spam", Severity.HIGH),
        ("clan", "slur", Severity.CRITICAL),
        ("other", "spam", Severity.LOW),
        ("other", "profanity", Severity.MEDIUM),
    ],
)
def test_a_lists_severity_stands_unless_the_policy_overrules_it(list_name: str, category: str, severity: Severity):
    assert vocabulary(list_name, category).severity == severity


def test_a_vocabulary_detection_explains_itself():
    found = vocabulary("clan", "other_things")
    assert found.explanation == (
        "Entry 14 of list clan was said (other things, method mask); severity medium, as the list says."
    )
    assert vocabulary("clan", "spam").explanation.endswith("severity high, as the policy sets for it.")
    assert (found.source, found.score, found.threshold) == ("clan@2", 1.0, None)
    assert (found.start_ms, found.end_ms) == (100, 300)


def pii(entity: str) -> Detection:
    return POLICY.pii_detection(
        entity=entity, score=0.9, rule="ten digits, valid in US", start_ms=5, end_ms=9, source="pii-rules@1"
    )


def test_a_pii_detection_explains_itself():
    found = pii("PHONE")
    assert found.explanation == "Phone number: ten digits, valid in US."
    assert (found.kind, found.category, found.severity) == (DetectionKind.PII, "PHONE", Severity.MEDIUM)
    assert (found.source, found.score, found.start_ms, found.end_ms) == ("pii-rules@1", 0.9, 5, 9)


def test_kinds_of_personal_data_have_their_own_severities():
    assert pii("PERSON").severity == Severity.NONE


def test_a_kind_of_personal_data_without_a_name_is_still_explained():
    assert pii("BANK_ACCOUNT").explanation == "Bank account: ten digits, valid in US."


def test_the_most_severe_detection_decides():
    verdict = POLICY.decide([detection(Severity.LOW), detection(Severity.HIGH), detection(Severity.MEDIUM)])
    assert (verdict.severity, verdict.action, verdict.flagged) == (Severity.HIGH, Action.MUTE, True)
    assert [found.severity for found in verdict.detections] == [Severity.HIGH, Severity.MEDIUM, Severity.LOW]
    assert (verdict.policy_id, verdict.policy_version) == ("strict", "4")


@pytest.mark.parametrize(
    ("severity", "flagged"), [("none", False), ("low", False), ("medium", True), ("critical", True)]
)
def test_flags_begin_at_the_flagging_severity(severity: str, flagged: bool):
    assert POLICY.decide([detection(Severity(severity))]).flagged is flagged


def test_nothing_found_is_nothing_done():
    verdict = POLICY.decide([])
    assert (verdict.severity, verdict.action, verdict.flagged, verdict.detections) == ("none", "none", False, ())


def test_equally_severe_detections_keep_their_order():
    verdict = POLICY.decide([detection(Severity.LOW, "a"), detection(Severity.HIGH, "b"), detection(Severity.LOW, "c")])
    assert [found.category for found in verdict.detections] == ["b", "a", "c"]


def test_every_explanation_is_a_sentence():
    found = [*POLICY.toxicity_detections({"threat": 1.0}, "en", "m"), vocabulary("clan", "spam"), pii("EMAIL")]
    assert all(re.fullmatch(r"[A-Z].*\.", one.explanation) for one in found)
