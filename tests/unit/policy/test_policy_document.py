"""Reading policies: what is refused, and how the refusal helps."""

from pathlib import Path

import pytest
import yaml

from moderation.errors import ConfigurationError
from moderation.events import Severity
from moderation.policy.document import default_policy_path
from moderation.policy.policy import Policy
from moderation.policy.verdict import Action
from moderation.settings import PiiSettings
from moderation.toxicity.classifier import LABELS


def refusal(tmp_path: Path, **changes: object) -> str:
    content = yaml.safe_load(default_policy_path().read_text(encoding="utf-8"))
    content = {key: value for key, value in {**content, **changes}.items() if value is not None}
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        Policy.load(path)
    assert str(path) in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": None}, "version: Field required"),
        ({"version": 1}, "version: Input should be a valid string"),
        ({"id": "My Policy"}, "id: String should match pattern"),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
        ({"flag_at": "none"}, "flag_at: Input should be"),
        ({"actions": {"none": "none"}}, "actions lacks low, medium, high, critical"),
        ({"actions": {"none": "shout"}}, "actions.none: Input should be 'none', 'log'"),
        (
            {"toxicity": {"thresholds": {"threat": {"high": 1.5}}}},
            "toxicity.thresholds.threat.high: Input should",
        ),
        (
            {"toxicity": {"thresholds": {"threat": {"low": 0}}}},
            "toxicity.thresholds.threat.low: Input should",
        ),
        (
            {"toxicity": {"thresholds": {"threat": {"low": 0.9, "high": 0.5}}}},
            "threat: thresholds must rise",
        ),
        ({"toxicity": {"thresholds": {"threat": {"awful": 0.9}}}}, "toxicity.thresholds.threat.awful: Extra inputs"),
        ({"toxicity": {"languages": {"German": {}}}}, "toxicity.languages.German: String should match"),
        ({"vocabulary": {"severities": {"a": {"b": "bad"}}}}, "vocabulary.severities.a.b: Input should be 'none'"),
        ({"pii": {"default": "bad"}}, "pii.default: Input should be 'none'"),
    ],
)
def test_a_refusal_names_file_path_and_reason(tmp_path: Path, changes: dict[str, object], reason: str):
    assert reason in refusal(tmp_path, **changes)


@pytest.mark.parametrize("label", ["male", "female", "muslim", "psychiatric_or_mental_illness"])
def test_a_label_that_mentions_an_identity_cannot_be_given_thresholds(tmp_path: Path, label: str):
    assert f"toxicity.thresholds.{label}: Input should be 'toxicity'" in refusal(
        tmp_path, toxicity={"thresholds": {label: {"low": 0.5}}}
    )


@pytest.mark.parametrize("content", ["", "- a\n", "text"])
def test_a_file_that_is_not_a_mapping_is_refused(tmp_path: Path, content: str):
    path = tmp_path / "policy.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="must be a mapping"):
        Policy.load(path)


def test_a_file_that_is_not_yaml_is_refused_with_its_line(tmp_path: Path):
    path = tmp_path / "policy.yaml"
    path.write_text("id: a\nversion: [}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="is not YAML at line 2"):
        Policy.load(path)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="cannot read the policy"):
        Policy.load(tmp_path / "nowhere.yaml")


def test_the_policy_that_ships_judges_every_harm_label():
    document = Policy.load(None).document
    assert set(document.toxicity.thresholds) == set(LABELS)


def test_the_policy_that_ships_names_every_kind_of_personal_data_that_is_looked_for():
    assert set(PiiSettings().entities) <= set(Policy.load(None).document.pii.severities)


def test_a_spoken_phone_number_is_a_low_flag_that_nobody_must_act_on():
    policy = Policy.load(None)
    found = policy.pii_detection(entity="PHONE", score=0.9, rule="r", start_ms=0, end_ms=1, source="s")
    verdict = policy.decide([found])
    assert (verdict.severity, verdict.action, verdict.flagged) == (Severity.LOW, Action.MASK, True)


def test_the_policy_that_ships_concludes_nothing_from_scores_in_korean():
    assert Policy.load(None).toxicity_detections({"threat": 1.0}, "ko", "m") == []
