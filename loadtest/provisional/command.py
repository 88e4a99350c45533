"""`python -m loadtest provisional`."""

import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from loadtest.cores import divide_cores
from loadtest.provisional.trial import TrialPlan, run_trial
from loadtest.run import to_stderr
from moderation.contracts.codecs import load_codecs
from moderation.settings import load_settings


@click.command(
    epilog="Example: python -m loadtest provisional --json. Leave the machine alone meanwhile: what else runs on it "
    "counts against the worker."
)
@click.option("--streams", default=1, show_default=True, help="Streams that talk at the same time.")
@click.option("--utterances", default=24, show_default=True, help="Utterances of each stream.")
@click.option("--utterance-s", default=12.0, show_default=True, help="How long an utterance lasts.")
@click.option(
    "--every-s", type=float, help="MODERATION_ASR__INTERIM_EVERY_S of the worker; its default when not given."
)
@click.option("--window-s", type=float, help="MODERATION_ASR__INTERIM_WINDOW_S of the worker.")
@click.option("--share", type=float, help="MODERATION_ASR__INTERIM_SHARE of the worker.")
@click.option(
    "--cost/--no-cost", default=True, help="Play all of it again without interim decodes, to tell their cost."
)
@click.option("--p50-ms", default=1500.0, show_default=True, help="Median delay that still counts.")
@click.option("--seed", default=1, show_default=True, help="Same seed, same talk.")
@click.option("--logs", type=click.Path(file_okay=False, path_type=Path), help="Folder for logs; temporary by default.")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object on the last line of stdout.")
def provisional(  # noqa: PLR0917  one argument an option
    streams: int,
    utterances: int,
    utterance_s: float,
    every_s: float | None,
    window_s: float | None,
    share: float | None,
    p50_ms: float,
    seed: int,
    logs: Path | None,
    *,
    cost: bool,
    as_json: bool,
) -> None:
    """Measure how soon a listed word is flagged while its speaker goes on, and what that costs.

    Plays long utterances without a pause, each with one listed (harmless) word at a random place, to a worker of its
    own on one core, in real time. The delay is from the end of the word, as the final flag tells it, to the first flag
    that names it, provisional or final. Exits with 1 when the median is above --p50-ms.
    """
    chosen = {"EVERY_S": every_s, "WINDOW_S": window_s, "SHARE": share}
    settings = {f"ASR__INTERIM_{name}": value for name, value in chosen.items() if value is not None}
    plan = TrialPlan(
        streams=streams,
        utterances=utterances,
        utterance_s=utterance_s,
        seed=seed,
        cores=divide_cores(frozenset(os.sched_getaffinity(0)), 1),
        settings=settings,
    )
    to_stderr(plan.cores.told)
    with tempfile.TemporaryDirectory(prefix="loadtest-provisional-") as temporary:
        result = _measure(plan, logs or Path(temporary), cost=cost)
    print(json.dumps(result) if as_json else "\n".join(f"{name:24} {value}" for name, value in result.items()))
    sys.exit(0 if result["p50_ms"] is not None and result["p50_ms"] <= p50_ms else 1)


def _measure(plan: TrialPlan, folder: Path, *, cost: bool) -> dict[str, Any]:
    codecs = load_codecs(load_settings())
    outcome = run_trial(plan, codecs, folder / "with", to_stderr)
    told = {"streams": plan.streams, "utterance_s": plan.utterance_s, "cores": plan.cores.told}
    result: dict[str, Any] = told | outcome.to_json()
    if cost:
        without = replace(plan, settings={"ASR__INTERIM_EVERY_S": 0})
        to_stderr("again, without interim decodes")
        alone = run_trial(without, codecs, folder / "without", to_stderr)
        talking = plan.streams * plan.utterance_s * plan.utterances / plan.seconds
        result["worker_cores_without"] = alone.worker_cores
        result["final_p50_ms_without"] = alone.final_p50_ms
        result["added_cores_per_talking_stream"] = round((outcome.worker_cores - alone.worker_cores) / talking, 4)
    return result
