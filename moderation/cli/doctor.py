"""`moderation doctor`: what is installed, what works, and what to do about the rest."""

import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from moderation.events import AudioEncoding
from moderation.settings import Settings

if TYPE_CHECKING:
    from moderation.bench import sizing
    from moderation.cli.checks import Finding

_ENCODINGS = [AudioEncoding.OPUS, AudioEncoding.PCM_S16LE, AudioEncoding.MULAW, AudioEncoding.FLAC]
_MARKS = {"ok": ("ok", "green"), "warning": ("note", "yellow"), "problem": ("WRONG", "red")}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object a finding.")
@click.option("--bench", is_flag=True, help="Measure too what this machine can carry, in about a minute.")
@click.option(
    "--encoding",
    "encodings",
    type=click.Choice([encoding.value.lower() for encoding in _ENCODINGS]),
    multiple=True,
    default=["opus"],
    show_default=True,
    help="With --bench: of the streams; may be repeated.",
)
@click.option(
    "--speech",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="With --bench: a folder of clips in place of the demo's; `python -m moderation.bench --help` has its format.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.1),
    default=10.0,
    show_default=True,
    help="With --bench: how long each engine hears speech in each encoding.",
)
@click.pass_context
def command(
    context: click.Context,
    *,
    as_json: bool,
    bench: bool,
    encodings: Sequence[str],
    speech: Path | None,
    seconds: float,
) -> None:
    """Say what is installed, which engine serves which language, whether the broker answers, and what to do.

    Looks only; changes nothing. Exit code 1 when something is wrong; notes alone are exit code 0.

    --bench plays clips through a worker without a broker, once with each engine of MODERATION_ASR__ENGINES
    whose model is installed, and counts the processor time of all threads and processes: how many streams and voice
    sessions a core carries, for sizing. Leave the machine alone meanwhile: beside other work everything costs more.

    \b
    moderation doctor
    MODERATION_BROKER=kafka-1:9092 moderation doctor
    moderation doctor --json | jq 'select(.level != "ok")'
    moderation doctor --bench --encoding opus --encoding pcm_s16le
    moderation doctor --bench --json | jq 'select(.figures) | .figures.sessions_per_core'
    """
    from moderation.cli.checks import all_checks

    settings: Settings = context.obj
    wrong = False
    with _quiet("aiokafka"):  # what it would say is a finding
        for finding in all_checks(settings):
            wrong = wrong or finding.level == "problem"
            click.echo(json.dumps(_as_json(finding)) if as_json else _line(finding))
    if bench:
        chosen = [AudioEncoding(name.upper()) for name in encodings]
        _bench(settings, chosen, speech=speech, seconds=seconds, as_json=as_json)
    if wrong:
        context.exit(1)


def _bench(
    settings: Settings, encodings: Sequence[AudioEncoding], *, speech: Path | None, seconds: float, as_json: bool
) -> None:
    from moderation.bench import load, sizing
    from moderation.bench.clips import load_clips
    from moderation.telemetry.logs import configure_logs

    configure_logs(settings.telemetry.model_copy(update={"log_level": "warning"}))
    measured: list[sizing.Measured] = []
    plan = sizing.SizingPlan(clips=load_clips(speech), encodings=encodings, seconds=seconds)
    for found in sizing.measure_engines(settings, plan, _progress):
        if isinstance(found, sizing.Passed):
            finding = _passed(found)
            click.echo(json.dumps(_as_json(finding)) if as_json else _line(finding))
        else:
            measured.append(found)
            for each in found.loads if as_json else ():
                click.echo(json.dumps(load.finding(each)))
    if measured and not as_json:
        loads = [each for engine in measured for each in engine.loads]
        told = load.notes(loads, cores=len(os.sched_getaffinity(0)), worker_mb=measured[0].worker_mb)
        click.echo("\n".join(["", *load.table(loads), "", *told]))


def _passed(engine: "sizing.Passed") -> "Finding":
    from moderation.cli.checks import Finding

    what = f"{engine.engine} is not measured: {engine.reason}"
    return Finding(area="bench", level="warning", what=what, advice=engine.advice)


def _progress(line: str) -> None:
    click.echo(f"bench  {line}", err=True)


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
