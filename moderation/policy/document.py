"""The policy as a YAML document, strictly validated. `default.yaml` beside this file explains every field."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from moderation.errors import ConfigurationError
from moderation.events import Severity
from moderation.policy.verdict import Action

ToxicityLabel = Literal[
    "toxicity", "severe_toxicity", "obscene", "threat", "insult", "identity_attack", "sexual_explicit"
]
"""What may have thresholds: Detoxify's labels, without those that only say which identity is mentioned."""

Threshold = Annotated[float, Field(gt=0, le=1)]
LanguageTag = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
Raised = Literal[Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Ladder(_Strict):
    """From which score (inclusive) a label is how severe. Steps may be left out; they rise with severity."""

    low: Threshold | None = None
    medium: Threshold | None = None
    high: Threshold | None = None
    critical: Threshold | None = None

    @model_validator(mode="after")
    def _rises(self) -> Self:
        steps = [threshold for _, threshold in self.steps()]
        if steps != sorted(steps):
            raise ValueError("thresholds must rise from low to critical")
        return self

    def steps(self) -> list[tuple[Severity, float]]:
        """The steps there are, from low to critical."""
        ladder = (
            (Severity.LOW, self.low),
            (Severity.MEDIUM, self.medium),
            (Severity.HIGH, self.high),
            (Severity.CRITICAL, self.critical),
        )
        return [(severity, threshold) for severity, threshold in ladder if threshold is not None]


Ladders = dict[ToxicityLabel, Ladder]


class ToxicityRules(_Strict):
    """How scores become severities."""

    covered_languages: list[LanguageTag | Literal["*"]] = Field(default_factory=lambda: ["*"])
    thresholds: Ladders = Field(default_factory=dict)
    languages: dict[LanguageTag, Ladders] = Field(default_factory=dict)


class VocabularyRules(_Strict):
    """How severe categories of term lists are, where the list's own severities do not stand."""

    severities: dict[str, dict[str, Severity]] = Field(default_factory=dict)


class PiiRules(_Strict):
    """How severe it is to say personal data aloud."""

    default: Severity = Severity.LOW
    severities: dict[str, Severity] = Field(default_factory=dict)


class PolicyDocument(_Strict):
    """A whole policy."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=100)]
    version: Annotated[str, Field(min_length=1, max_length=50)]
    description: str = ""
    flag_at: Raised
    actions: dict[Severity, Action]
    toxicity: ToxicityRules
    vocabulary: VocabularyRules = Field(default_factory=VocabularyRules)
    pii: PiiRules = Field(default_factory=PiiRules)

    @model_validator(mode="after")
    def _every_severity_has_an_action(self) -> Self:
        missing = [severity.value for severity in Severity if severity not in self.actions]
        if missing:
            raise ValueError(f"actions lacks {', '.join(missing)}")
        return self


def default_policy_path() -> Path:
    """The policy that ships."""
    return Path(__file__).parent / "default.yaml"


def load_policy_document(path: Path) -> PolicyDocument:
    """Read and check a policy.

    Raises:
        ConfigurationError: the file cannot be read or something in it is refused; the message names the file, the path
            within it and the reason.
    """
    loaded = _read_yaml(path)
    try:
        return PolicyDocument.model_validate(loaded)
    except ValidationError as error:
        problems = "; ".join(_describe(problem) for problem in error.errors(include_input=False))
        raise ConfigurationError(f"the policy {path} is refused: {problems}") from None


def _describe(problem: Any) -> str:
    location = ".".join(str(part) for part in problem["loc"] if part != "[key]")
    message = problem["msg"].removeprefix("Value error, ")
    return f"{location}: {message}" if location else message


def _read_yaml(path: Path) -> Any:
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"cannot read the policy {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"the policy {path} is not UTF-8 at byte {error.start}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        raise ConfigurationError(f"the policy {path} is not YAML{line}") from None
    if not isinstance(loaded, dict):
        raise ConfigurationError(f"the policy {path} must be a mapping with id, version, flag_at, actions and toxicity")
    return loaded
