"""`python -m loadtest overhead`."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import click

from loadtest.cores import divide_cores
from loadtest.overhead.measuring import OverheadPlan, measure
from loadtest.run import to_stderr
from loadtest.sounds import RATES_HZ
from moderation.contracts.codecs import load_codecs
from moderation.events import AudioEncoding
from moderation.settings import load_settings


@click.command(
    epilog="Example: python -m loadtest overhead --muted 100 --json. Processor time is counted, so a busy machine "
    "changes little; caches that others fill do."
)
@click.option("--muted", default=60, show_default=True, help="Streams that send silence.")
@click.option("--talking", default=10, show_default=True, help="Streams that talk without end; played afterwards.")
@click.option(
    "--encoding",
    type=click.Choice([e.value.lower() for e in RATES_HZ]),
    default="opus",
    show_default=True,
    help="Of the streams.",
)
@click.option("--seconds", default=30.0, show_default=True, help="How long each part is watched.")
@click.option("--logs", type=click.Path(file_okay=False, path_type=Path), help="Folder for logs; temporary by default.")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object on the last line of stdout.")
def overhead(muted: int, talking: int, encoding: str, seconds: float, logs: Path | None, *, as_json: bool) -> None:
    """Measure what streams cost a worker besides recognition.

    A broker, a worker, a bare aiokafka consumer and the worker's Faust application with an empty agent read the same
    topic: first nothing is sent, then silence, then talk, five chunks a second of each stream. Told is processor time:
    of a muted stream with everything, of a talking stream by recognition and by all else, and of Faust over aiokafka.
    """
    plan = OverheadPlan(
        muted=muted,
        talking=talking,
        seconds=seconds,
        encoding=AudioEncoding(encoding.upper()),
        cores=divide_cores(frozenset(os.sched_getaffinity(0)), 1),
    )
    with tempfile.TemporaryDirectory(prefix="loadtest-overhead-") as temporary:
        folder = logs or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        result = measure(plan, load_codecs(load_settings()), folder, to_stderr)
    result["encoding"] = encoding
    print(json.dumps(result) if as_json else _told(result))


def _told(result: dict[str, Any]) -> str:
    lines = []
    for part, figures in result.items():
        if not isinstance(figures, dict):
            continue
        lines += [part, *(f"  {name:38} {value}" for name, value in figures.items())]
    return "\n".join(lines)
