"""Verdicts as people and programs read them: shared by the commands and the demo."""

from collections.abc import Sequence
from typing import Any

from moderation.events import Detection, MissingAudio, Severity, Word
from moderation.judging import Judgement
from moderation.pipeline import UtteranceOutcome

SEVERITY_STYLE = {
    Severity.NONE: "dim",
    Severity.LOW: "cyan",
    Severity.MEDIUM: "yellow",
    Severity.HIGH: "red",
    Severity.CRITICAL: "bold red",
}
"""How rich shows each severity."""


def detection_json(detection: Detection) -> dict[str, Any]:
    """A detection as JSON."""
    return {
        "kind": detection.kind.value,
        "category": detection.category,
        "score": round(detection.score, 4),
        "threshold": detection.threshold,
        "severity": detection.severity.value,
        "start_ms": detection.start_ms,
        "end_ms": detection.end_ms,
        "explanation": detection.explanation,
        "source": detection.source,
    }


def judgement_json(judgement: Judgement, *, reveal: bool) -> dict[str, Any]:
    """The text stages' conclusion as JSON; the text is masked unless it is to be revealed."""
    verdict = judgement.verdict
    return {
        "text": judgement.heard.text if reveal else judgement.masked.text,
        "language": judgement.heard.language.language,
        "language_confidence": round(judgement.heard.language.confidence, 4),
        "scores": {label: round(score, 4) for label, score in judgement.scores.items()},
        "detections": [detection_json(detection) for detection in verdict.detections],
        "severity": verdict.severity.value,
        "action": verdict.action,
        "flagged": verdict.flagged,
    }


def utterance_json(file: str, outcome: UtteranceOutcome, *, reveal: bool) -> dict[str, Any]:
    """An utterance of a file as JSON."""
    judgement = outcome.judgement
    words = judgement.heard.words if reveal else judgement.masked.words
    return {
        "file": file,
        "start_ms": outcome.utterance.start_ms,
        "end_ms": outcome.utterance.end_ms,
        **judgement_json(judgement, reveal=reveal),
        "words": [_word_json(word) for word in words],
        "engine": outcome.engine,
    }


def _word_json(word: Word) -> dict[str, Any]:
    return {
        "text": word.text,
        "start_ms": word.start_ms,
        "end_ms": word.end_ms,
        "confidence": round(word.confidence, 3),
    }


def reasons(detections: Sequence[Detection]) -> str:
    """The categories that were found, each with its best score, most severe first; empty when nothing was."""
    best: dict[str, float] = {}
    for detection in sorted(detections, key=lambda d: (-d.severity.rank, -d.score)):
        best.setdefault(detection.category, detection.score)
    return ", ".join(f"{category} {score:.2f}" for category, score in best.items())


def missing_audio(gaps: Sequence[MissingAudio]) -> str:
    """How much audio of an utterance never came, to be put behind its text; empty when it is whole."""
    if not gaps:
        return ""
    seconds = sum(gap.duration_ms for gap in gaps) / 1000
    return f" [{seconds:.2f} s of audio missing]"
