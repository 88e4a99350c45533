"""`moderation doctor`: what is installed, what works, and what to do about the rest."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from moderation.settings import Settings

if TYPE_CHECKING:
    from moderation.cli.checks import Finding

_MARKS = {"ok": ("ok", "green"), "warning": ("note", "yellow"), "problem": ("WRONG", "red")}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object a finding.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Say what is installed, which engine serves which language, whether the broker answers, and what to do.

    Looks only; changes nothing. Exit code 1 when something is wrong; notes alone are exit code 0.

    \b
    moderation doctor
    MODERATION_BROKER=kafka-1:9092 moderation doctor
    moderation doctor --json | jq 'select(.level != "ok")'
    """
    from moderation.cli.checks import all_checks

    settings: Settings = context.obj
    wrong = False
    with _quiet("aiokafka"):  # what it would say is a finding
        for finding in all_checks(settings):
            wrong = wrong or finding.level == "problem"
            click.echo(json.dumps(_as_json(finding)) if as_json else _line(finding))
    if wrong:
        context.exit(1)


@contextmanager
def _quiet(library: str) -> Iterator[None]:
    logger = logging.getLogger(library)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _as_json(finding: "Finding") -> dict[str, str | None]:
    return {"area": finding.area, "level": finding.level, "what": finding.what, "advice": finding.advice}


def _line(finding: "Finding") -> str:
    mark, colour = _MARKS[finding.level]
    line = f"{click.style(f'{mark:5}', fg=colour)}  {finding.area}: {finding.what}"
    return f"{line}\n       -> {finding.advice}" if finding.advice else line
