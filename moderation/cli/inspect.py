"""`moderation inspect`."""

import json
import sys
from typing import TYPE_CHECKING

import click

from moderation.settings import Settings

if TYPE_CHECKING:
    from moderation.judging import Judgement


@click.command(
    epilog="Examples: moderation inspect 'call me at five five five, one two three four'. "
    "cat lines.txt | moderation inspect - | jq .severity"
)
@click.argument("text")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout (always so with `-`).")
@click.option("--language", metavar="TAG", help="The text's language (BCP-47); identified from the text when left out.")
@click.option("--reveal", is_flag=True, help="Show the text unmasked.")
@click.pass_obj
def command(settings: Settings, text: str, *, as_json: bool, language: str | None, reveal: bool) -> None:
    """Run the text stages on TEXT: toxicity, vocabulary, personal data, policy.

    With `-`, reads one text a line from stdin and writes one JSON object a line to stdout, in order, each as soon as
    its line was read.
    """
    from moderation.bootstrap import build_text_stages
    from moderation.presenting import judgement_json

    stages = build_text_stages(settings)
    if text == "-":
        for line in sys.stdin.buffer:
            judgement = stages.judge_text(line.decode("utf-8", "replace").rstrip("\r\n"), language=language)
            sys.stdout.write(json.dumps(judgement_json(judgement, reveal=reveal), ensure_ascii=False) + "\n")
            sys.stdout.flush()
        return
    judgement = stages.judge_text(text, language=language)
    if as_json:
        click.echo(json.dumps(judgement_json(judgement, reveal=reveal), ensure_ascii=False))
    else:
        _show(judgement, reveal=reveal)


def _show(judgement: "Judgement", *, reveal: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from moderation.presenting import SEVERITY_STYLE

    console, verdict = Console(), judgement.verdict
    console.print(Text(judgement.heard.text if reveal else judgement.masked.text))
    console.print(
        f"severity [{SEVERITY_STYLE[verdict.severity]}]{verdict.severity}[/], action {verdict.action}, "
        f"{'flagged' if verdict.flagged else 'not flagged'}, language {judgement.heard.language.language}"
    )
    if judgement.scores:
        scores = ", ".join(f"{label} {score:.2f}" for label, score in judgement.scores.items())
        console.print(f"scores: {scores}", style="dim")
    if verdict.detections:
        table = Table("kind", "category", "severity", "why", box=None, pad_edge=False)
        for found in verdict.detections:
            table.add_row(found.kind, found.category, found.severity, Text(found.explanation))
        console.print(table)
