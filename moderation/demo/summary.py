"""The end of the demo: what was played and what came back, as a table."""

from collections.abc import Mapping

from rich.table import Table

from moderation.demo.tally import Summary
from moderation.events import Severity


def summary_table(summary: Summary, *, first_flag_s: float | None) -> Table:
    """The numbers for people. `first_flag_s`: when the first flag arrived, after the demo was started."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("streams", f"{summary.streams} in {summary.sessions} sessions")
    table.add_row("utterances", f"{summary.utterances} transcribed, {summary.spoken} spoken")
    table.add_row("flags", f"{summary.flags}{_severities(summary.by_severity)}")
    table.add_row("by category", _numbers(summary.by_category) or "none")
    if first_flag_s is not None:
        table.add_row("first flag", f"{first_flag_s:.1f} s after the start")
    if summary.latency:
        times = summary.latency
        text = f"p50 {times.p50_ms / 1000:.2f} s, p95 {times.p95_ms / 1000:.2f} s, longest {times.max_ms / 1000:.2f} s"
        table.add_row("latency from end of speech", text)
    table.add_row("dead letters", str(summary.dead_letters))
    table.add_row("as expected", _expected(summary))
    for label, clips in (("not flagged", _missed(summary)), ("flagged without need", _unneeded(summary))):
        if clips:
            table.add_row(label, clips)
    if lacking := _lacking(summary):
        table.add_row("categories missed", lacking)
    if summary.strays:
        table.add_row("flags where nobody spoke", str(summary.strays))
    return table


def _severities(counts: Mapping[str, int]) -> str:
    ordered = {severity.value: counts[severity.value] for severity in reversed(Severity) if severity.value in counts}
    return f": {_numbers(ordered)}" if ordered else ""


def _numbers(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _expected(summary: Summary) -> str:
    wanted = [clip for clip in summary.clips if clip.expected]
    clean = [clip for clip in summary.clips if not clip.expected]
    caught, spared = sum(clip.flagged for clip in wanted), sum(not clip.flagged for clip in clean)
    return f"{caught} of {len(wanted)} offending clips were flagged, {spared} of {len(clean)} others left alone"


def _missed(summary: Summary) -> str:
    return ", ".join(clip.clip_id for clip in summary.clips if clip.expected and not clip.flagged)


def _unneeded(summary: Summary) -> str:
    return ", ".join(clip.clip_id for clip in summary.clips if clip.flagged and not clip.expected)


def _lacking(summary: Summary) -> str:
    lacking = [clip for clip in summary.clips if clip.flagged and clip.missed]
    return ", ".join(f"{clip.clip_id} ({' '.join(sorted(clip.missed))})" for clip in lacking)
