"""`python -m loadtest`."""

import asyncio
import json
import sys

import click

from loadtest.capacity.command import capacity
from loadtest.faults.command import faults
from loadtest.hostile_command import hostile
from loadtest.overhead.command import overhead
from loadtest.provisional.command import provisional
from loadtest.report import Report
from loadtest.run import Plan, Run, to_stderr
from loadtest.soak_command import soak
from moderation.contracts.codecs import load_codecs
from moderation.settings import load_settings


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def loadtest() -> None:
    """Load tests: real-time voice chat against workers, and what they make of it."""


@loadtest.command(
    epilog="Example: `moderation broker`, `moderation topics apply` and `moderation worker` in other terminals, then: "
    "python -m loadtest run --streams 20 --seconds 60"
)
@click.option("--bootstrap", help="Kafka bootstrap list; MODERATION_BROKER's by default.")
@click.option("--streams", default=10, show_default=True, help="Concurrent streams.")
@click.option("--seconds", default=60.0, show_default=True, help="How long each stream lasts.")
@click.option("--talk-ratio", default=0.25, show_default=True, help="Share of the time that a stream talks.")
@click.option("--seed", default=1, show_default=True, help="Same seed, same conversation.")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object on the last line of stdout.")
def run(bootstrap: str | None, streams: int, seconds: float, talk_ratio: float, seed: int, *, as_json: bool) -> None:
    """Play STREAMS for SECONDS in real time and report latency, flags found, false flags and dead letters.

    Exits with 1 when no flag came back although some were planted.
    """
    settings = load_settings()
    plan = Plan(
        bootstrap=bootstrap or settings.bootstrap_servers,
        streams=streams,
        seconds=seconds,
        talk_ratio=talk_ratio,
        seed=seed,
    )
    report = asyncio.run(Run(plan, load_codecs(settings), on_progress=to_stderr).play())
    print(json.dumps(report.to_json()) if as_json else _table(report))
    sys.exit(1 if report.flags_planted and not report.flags_seen else 0)


def _table(report: Report) -> str:
    return "\n".join(f"{name:22} {value}" for name, value in report.to_json().items())


loadtest.add_command(capacity)
loadtest.add_command(faults)
loadtest.add_command(hostile)
loadtest.add_command(overhead)
loadtest.add_command(provisional)
loadtest.add_command(soak)

if __name__ == "__main__":
    loadtest()
