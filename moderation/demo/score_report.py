"""An evaluation as tables for people and as JSON for programs."""

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from moderation.demo.scoring import ClipScore, Counts, Evaluation


def evaluation_json(evaluation: Evaluation) -> dict[str, Any]:
    """Everything that was measured, clip by clip and together."""
    return {
        "clips": len(evaluation.clips),
        "words": evaluation.words,
        "word_errors": evaluation.word_errors,
        "word_error_rate": evaluation.word_error_rate,
        "words_from_noise": evaluation.words_from_noise,
        "spoken_clips": evaluation.spoken,
        "languages_right": evaluation.languages_right,
        "flags": _counts_json(evaluation.flags),
        "categories": {name: _counts_json(counts) for name, counts in evaluation.categories.items()},
        "details": [_clip_json(score) for score in evaluation.clips],
    }


def evaluation_tables(evaluation: Evaluation) -> RenderableType:
    """What was measured, and every clip in which something is not as it ought to be."""
    return Group(_summary(evaluation), Text(), _categories(evaluation), Text(), _faults(evaluation))


def _counts_json(counts: Counts) -> dict[str, Any]:
    return {
        "hits": counts.hits,
        "false_alarms": counts.false_alarms,
        "misses": counts.misses,
        "precision": counts.precision,
        "recall": counts.recall,
    }


def _clip_json(score: ClipScore) -> dict[str, Any]:
    return {
        "clip": score.clip.id,
        "said": score.clip.text,
        "heard": score.heard.text,
        "language": score.heard.language,
        "words": score.words,
        "word_errors": [{"said": change.said, "heard": change.heard} for change in score.differences],
        "expected": {
            "flagged": score.clip.expect.flagged,
            "severity": score.clip.expect.severity.value,
            "categories": sorted(score.clip.expect.required),
        },
        "seen": {
            "flagged": score.heard.flagged,
            "severity": score.heard.severity.value,
            "categories": sorted(score.heard.categories),
        },
        "missed": sorted(score.missed),
        "wrong": sorted(score.wrong),
        "right": score.verdict_right,
    }


def _summary(evaluation: Evaluation) -> Table:
    flags = evaluation.flags
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    table.add_row("clips", f"{len(evaluation.clips)}, {evaluation.spoken} of them spoken")
    wer = f"{_percent(evaluation.word_error_rate)} ({evaluation.word_errors} errors in {evaluation.words} words)"
    table.add_row("word error rate", wer)
    table.add_row("words heard in noise", str(evaluation.words_from_noise))
    table.add_row("languages right", f"{evaluation.languages_right} of {evaluation.spoken}")
    rates = f"precision {_percent(flags.precision)}, recall {_percent(flags.recall)}"
    table.add_row("flags", f"{rates} ({flags.hits} right, {flags.false_alarms} false, {flags.misses} missed)")
    right = sum(score.verdict_right for score in evaluation.clips)
    table.add_row("verdicts right in every category", f"{right} of {len(evaluation.clips)}")
    return table


def _categories(evaluation: Evaluation) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("category")
    for column in ("right", "false", "missed", "precision", "recall"):
        table.add_column(column, justify="right")
    for name, counts in evaluation.categories.items():
        numbers = (str(counts.hits), str(counts.false_alarms), str(counts.misses))
        table.add_row(name, *numbers, _percent(counts.precision), _percent(counts.recall))
    return table


def _faults(evaluation: Evaluation) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("clip", "verdict", "misheard"):
        table.add_column(column, overflow="fold")
    for score in evaluation.clips:
        verdict, words = "; ".join(_verdict_faults(score)), ", ".join(_word_faults(score))
        if verdict or words:
            table.add_row(score.clip.id, verdict, words)
    return table if table.row_count else Text("Every clip was heard and judged as expected.")


def _verdict_faults(score: ClipScore) -> Iterator[str]:
    if not score.flagged_right:
        yield f"flagged {score.heard.severity.value}" if score.heard.flagged else "not flagged"
    if score.too_mild:
        yield f"{score.heard.severity.value}, {score.clip.expect.severity.value} expected"
    if score.missed:
        yield "missed " + ", ".join(sorted(score.missed))
    if score.wrong:
        yield "false " + ", ".join(sorted(score.wrong))
    if score.clip.text and not score.language_right:
        yield f"language {score.heard.language}"


def _word_faults(score: ClipScore) -> Iterator[str]:
    for change in score.differences:
        yield f"{change.said or '-'} > {change.heard or '-'}"


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.1%}"
