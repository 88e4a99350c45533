"""How well a label ranks the texts of a test set."""

from collections.abc import Sequence
from typing import Any

from moderation.toxicity.evaluation.calibration import expected_calibration_error, reliability
from moderation.toxicity.evaluation.verdicts import Scores
from moderation.toxicity.measures import auc, average_precision, recall_at
from moderation.toxicity.training.test_sets import TestSet


def ranking(test_set: TestSet, scores: Sequence[Scores], labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Task -> rows, positives, AUC, average precision, recall at 1 % and 5 % false positives, ECE and reliability."""
    return {
        task: _task(label, truths, scores)
        for task, (label, truths) in test_set.tasks.items()
        if label == "any" or label in labels
    }


def known(label: str, truths: Sequence[bool | None], scores: Sequence[Scores]) -> tuple[list[float], list[bool]]:
    """Scores and truths of the texts whose truth is known; the label "any" stands for the highest of all."""
    pairs = [
        (max(score.values()) if label == "any" else score[label], truth)
        for score, truth in zip(scores, truths, strict=True)
        if truth is not None
    ]
    return [value for value, _ in pairs], [truth for _, truth in pairs]


def _task(label: str, truths: Sequence[bool | None], scores: Sequence[Scores]) -> dict[str, Any]:
    values, flags = known(label, truths, scores)
    return {
        "label": label,
        "rows": len(flags),
        "positives": sum(flags),
        "auc": round(auc(values, flags), 4),
        "average_precision": round(average_precision(values, flags), 4),
        "recall_at_1_percent": round(recall_at(values, flags, 0.01), 4),
        "recall_at_5_percent": round(recall_at(values, flags, 0.05), 4),
        "ece": round(expected_calibration_error(values, flags), 4),
        "reliability": reliability(values, flags),
    }
