"""`python -m loadtest soak`."""

import json
import sys
import tempfile
from pathlib import Path

import click

from loadtest.run import to_stderr
from loadtest.soak import SoakPlan, run_soak
from moderation.contracts.codecs import load_codecs
from moderation.settings import load_settings


@click.command()
@click.option("--minutes", default=20.0, show_default=True, help="How long each stream lasts.")
@click.option("--streams", default=40, show_default=True, help="Concurrent streams.")
@click.option("--talk-ratio", default=0.25, show_default=True, help="Share of the time that a stream talks.")
@click.option("--max-growth-mb", default=150.0, show_default=True, help="Most a process of the worker may grow, MiB.")
@click.option("--seed", default=1, show_default=True, help="Same seed, same conversation.")
@click.option("--logs", type=click.Path(file_okay=False, path_type=Path), help="Folder for logs; temporary by default.")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object on the last line of stdout.")
def soak(  # noqa: PLR0917  one argument an option
    minutes: float,
    streams: int,
    talk_ratio: float,
    max_growth_mb: float,
    seed: int,
    logs: Path | None,
    *,
    as_json: bool,
) -> None:
    """Play STREAMS for MINUTES to a worker of its own, at the default settings, and watch latency and memory.

    Starts an embedded broker and a worker. Exits with 1 when an utterance or flag was lost or repeated, anything became
    a dead letter, or a process of the worker grew beyond the limit after the first tenth of the run.
    """
    plan = SoakPlan(
        seconds=minutes * 60, streams=streams, talk_ratio=talk_ratio, seed=seed, max_growth_mb=max_growth_mb
    )
    with tempfile.TemporaryDirectory(prefix="loadtest-soak-") as temporary:
        folder = logs or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        report = run_soak(plan, load_codecs(load_settings()), folder, to_stderr)
    told = report.to_json()
    print(json.dumps(told) if as_json else "\n".join(f"{name:30} {value}" for name, value in told.items()))
    sys.exit(0 if report.is_right else 1)


if __name__ == "__main__":
    soak()
