"""`python -m loadtest hostile`."""

import json
import sys
import tempfile
from pathlib import Path

import click

from loadtest.hostile import HostilePlan, run_hostile
from loadtest.run import to_stderr
from moderation.contracts.codecs import load_codecs
from moderation.settings import load_settings


@click.command()
@click.option("--chunks", default=20_000, show_default=True, help="Hostile messages.")
@click.option("--good-streams", default=8, show_default=True, help="Honest streams beside them, at a time.")
@click.option("--round-s", default=60.0, show_default=True, help="Length of an honest stream, s; others follow.")
@click.option("--rate", type=float, help="Hostile messages a second; what the worker takes by default.")
@click.option("--max-lag", default=6_000, show_default=True, help="Uncommitted messages at which the sender waits.")
@click.option("--max-growth-mb", default=200.0, show_default=True, help="Most a process of the worker may grow, MiB.")
@click.option("--seed", default=1, show_default=True, help="Same seed, same messages.")
@click.option("--logs", type=click.Path(file_okay=False, path_type=Path), help="Folder for logs; temporary by default.")
@click.option("--set", "settings_of_worker", multiple=True, help="NAME=VALUE without MODERATION_, for the worker.")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object on the last line of stdout.")
def hostile(  # noqa: PLR0917  one argument an option
    chunks: int,
    good_streams: int,
    round_s: float,
    rate: float | None,
    max_lag: int,
    max_growth_mb: float,
    seed: int,
    logs: Path | None,
    settings_of_worker: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    """Send CHUNKS hostile messages to a worker of its own, with honest streams beside them.

    Starts an embedded broker and a worker. The broker keeps everything in memory: count 3 GB for a million messages.
    Exits with 1 when a message had another outcome than it must, an honest utterance was lost, or memory grew.
    """
    plan = HostilePlan(
        chunks=chunks,
        good_streams=good_streams,
        seed=seed,
        rate=rate,
        round_s=round_s,
        max_lag=max_lag,
        max_growth_mb=max_growth_mb,
        settings=dict(pair.split("=", 1) for pair in settings_of_worker),
    )
    settings = load_settings()
    with tempfile.TemporaryDirectory(prefix="loadtest-hostile-") as temporary:
        folder = logs or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        report = run_hostile(plan, settings, load_codecs(settings), folder, to_stderr)
    told = report.to_json()
    print(json.dumps(told) if as_json else "\n".join(f"{name:30} {value}" for name, value in told.items()))
    sys.exit(0 if report.is_right else 1)


if __name__ == "__main__":
    hostile()
