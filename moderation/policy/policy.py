"""Judging what models and lists found. Pure functions of data: the same input gives the same verdict."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from moderation.events import UNKNOWN_LANGUAGE, Detection, DetectionKind, Severity, primary_tag
from moderation.policy.document import Ladder, PolicyDocument, ToxicityLabel, default_policy_path, load_policy_document
from moderation.policy.verdict import Verdict

_PII_NAMES = {
    "PHONE": "phone number",
    "EMAIL": "e-mail address",
    "CARD": "payment card number",
    "NATIONAL_ID": "national identity number",
    "IP_ADDRESS": "IP address",
    "URL": "web address",
    "PERSON": "name of a person",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy in force. Immutable and thread-safe."""

    document: PolicyDocument

    @classmethod
    def load(cls, path: Path | None) -> "Policy":
        """Read a policy; the one that ships when `path` is None.

        Raises:
            ConfigurationError: the file is refused; the message names file, path within it and reason.
        """
        return cls(document=load_policy_document(path or default_policy_path()))

    @property
    def policy_id(self) -> str:
        """The policy's id."""
        return self.document.id

    @property
    def policy_version(self) -> str:
        """The policy's version."""
        return self.document.version

    def toxicity_detections(self, scores: Mapping[str, float], language: str | None, source: str) -> list[Detection]:
        """The labels that score at or above a threshold, in the order of the policy.

        Labels that the policy has no thresholds for are passed over, and cannot be given any unless they are harm
        labels: what merely says that an identity was mentioned never becomes a detection. In a language that the
        policy does not say is covered nothing is concluded from scores.

        Args:
            scores: label to probability in [0, 1].
            language: BCP-47 of the utterance; `und` or None when unknown.
            source: model id and version.
        """
        primary = primary_tag(language or UNKNOWN_LANGUAGE)
        if not self._covers(primary):
            return []
        detections = []
        for label, ladder in self._ladders(primary).items():
            score = scores.get(label)
            step = _reached(ladder, score) if score is not None else None
            if score is None or step is None:
                continue
            severity, threshold = step
            name = label.replace("_", " ")
            # Rounded down, so that no sentence calls 0.80 below 0.80.
            shown = int(score * 100 + 1e-9) / 100
            detections.append(
                Detection(
                    kind=DetectionKind.TOXICITY,
                    category=label,
                    score=score,
                    threshold=threshold,
                    severity=severity,
                    start_ms=None,
                    end_ms=None,
                    explanation=f"{name.capitalize()} scored {shown:.2f}, at or above {threshold:g} for {severity}.",
                    source=source,
                )
            )
        return detections

    def vocabulary_detection(
        self,
        *,
        list_name: str,
        list_version: str,
        entry: int,
        category: str,
        severity: Severity,
        method: str,
        start_ms: int | None,
        end_ms: int | None,
    ) -> Detection:
        """A listed term that was said. The fields are those of a vocabulary match."""
        rules = self.document.vocabulary.severities
        overridden = rules.get(list_name, {}).get(category, rules.get("*", {}).get(category))
        because = "as the policy sets for it" if overridden is not None else "as the list says"
        judged = overridden if overridden is not None else severity
        return Detection(
            kind=DetectionKind.VOCABULARY,
            category=category,
            score=1.0,
            threshold=None,
            severity=judged,
            start_ms=start_ms,
            end_ms=end_ms,
            explanation=f"Entry {entry} of list {list_name} was said ({category.replace('_', ' ')}, method {method}); "
            f"severity {judged}, {because}.",
            source=f"{list_name}@{list_version}",
        )

    def pii_detection(
        self, *, entity: str, score: float, rule: str, start_ms: int | None, end_ms: int | None, source: str
    ) -> Detection:
        """Personal data that was said. `rule` is the recogniser's own explanation and holds none of the text."""
        rules = self.document.pii
        severity = rules.severities.get(entity, rules.default)
        name = _PII_NAMES.get(entity, entity.replace("_", " ").lower())
        return Detection(
            kind=DetectionKind.PII,
            category=entity,
            score=score,
            threshold=None,
            severity=severity,
            start_ms=start_ms,
            end_ms=end_ms,
            explanation=f"{name[0].upper()}{name[1:]}: {rule}.",
            source=source,
        )

    def decide(self, detections: Iterable[Detection]) -> Verdict:
        """Conclude: the severity of the most severe detection, its action, and whether it is flagged."""
        ordered = tuple(sorted(detections, key=lambda detection: -detection.severity.rank))
        severity = ordered[0].severity if ordered else Severity.NONE
        return Verdict(
            severity=severity,
            action=self.document.actions[severity],
            flagged=severity.rank >= self.document.flag_at.rank,
            policy_id=self.document.id,
            policy_version=self.document.version,
            detections=ordered,
        )

    def _covers(self, language: str) -> bool:
        covered = self.document.toxicity.covered_languages
        return "*" in covered or language in covered or language in self.document.toxicity.languages

    def _ladders(self, language: str) -> dict[ToxicityLabel, Ladder]:
        rules = self.document.toxicity
        return {**rules.thresholds, **rules.languages.get(language, {})}


def _reached(ladder: Ladder, score: float) -> tuple[Severity, float] | None:
    """The highest step that a score reaches, with its threshold."""
    reached = [step for step in ladder.steps() if score >= step[1]]
    return reached[-1] if reached else None
