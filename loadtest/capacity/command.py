"""`python -m loadtest capacity`."""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from loadtest.capacity.outcome import P95_LIMIT_MS, Outcome, plot
from loadtest.capacity.search import Search
from loadtest.capacity.trial import TrialPlan, run_trial
from loadtest.cores import divide_cores
from loadtest.run import to_stderr
from loadtest.sounds import RATES_HZ
from moderation.contracts.codecs import load_codecs
from moderation.events import AudioEncoding
from moderation.settings import load_settings

_ENCODINGS = [encoding.value.lower() for encoding in RATES_HZ]


@click.command(
    epilog="Example: python -m loadtest capacity --talk-ratio 1.0 --json. Leave the machine alone meanwhile: what else "
    "runs on it counts against the worker."
)
@click.option(
    "--talk-ratio",
    default=0.25,
    show_default=True,
    help="Share of the time that a stream talks; at 1.0 it pauses for breath only, 0.6 s between turns of about 3 s.",
)
@click.option("--encoding", type=click.Choice(_ENCODINGS), default="opus", show_default=True, help="Of the streams.")
@click.option("--engine", help="Recognise with this engine instead of the settings' choice, e.g. whisper:base.")
@click.option("--seconds", default=60.0, show_default=True, help="How long a trial plays.")
@click.option("--warm-up", default=10.0, show_default=True, help="The first seconds of a trial that do not count.")
@click.option("--start", default=16, show_default=True, help="Streams of the first trial.")
@click.option("--most", default=1000, show_default=True, help="Streams beyond which nothing is tried.")
@click.option("--confirmations", default=1, show_default=True, help="How often the answer is tried again.")
@click.option(
    "--p95-ms", default=P95_LIMIT_MS, show_default=True, help="Latency at the 95th percentile that still counts."
)
@click.option("--half-load/--no-half-load", default=True, help="Whether half of the answer is played at the end.")
@click.option("--worker-cores", default=1, show_default=True, help="Cores that the worker is bound to.")
@click.option("--seed", default=1, show_default=True, help="Same seed, same conversations.")
@click.option("--logs", type=click.Path(file_okay=False, path_type=Path), help="Folder for logs; temporary by default.")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object on the last line of stdout.")
def capacity(  # noqa: PLR0917  one argument an option
    talk_ratio: float,
    encoding: str,
    engine: str | None,
    seconds: float,
    warm_up: float,
    start: int,
    most: int,
    confirmations: int,
    p95_ms: float,
    worker_cores: int,
    seed: int,
    logs: Path | None,
    *,
    half_load: bool,
    as_json: bool,
) -> None:
    """Find how many concurrent streams one worker carries.

    Carried means: from the end of speech to the flag on its topic at most --p95-ms at the 95th percentile, over the
    whole trial and over its last third; no growing lag, no missing turn, no dead letter. Each trial starts a broker and
    a worker of its own, plays in real time and reads the flags back. The worker is bound to its own cores as far as the
    machine has several. Takes about 80 s a trial and six to nine trials, and one more at half of the largest number
    that is carried: what users see on an ordinary day, stage by stage. Exits with 1 when not even one stream is
    carried.
    """
    cores = divide_cores(frozenset(os.sched_getaffinity(0)), worker_cores)
    plan = TrialPlan(
        seconds=seconds,
        warm_up_s=warm_up,
        talk_ratio=talk_ratio,
        encoding=AudioEncoding(encoding.upper()),
        seed=seed,
        cores=cores,
        p95_limit_ms=p95_ms,
        settings=_only(engine) if engine else {},
    )
    to_stderr(cores.told)
    search = Search(start=start, most=most, confirmations=confirmations)
    with tempfile.TemporaryDirectory(prefix="loadtest-capacity-") as temporary:
        trial = _Trials(plan, logs or Path(temporary))
        outcomes = _search(trial, search)
        half = trial.run(search.passed // 2) if half_load and search.passed > 1 else None
    print(plot([*outcomes, half] if half else outcomes))
    result = _result(plan, search, outcomes) | half_load_result(half)
    print(json.dumps(result) if as_json else _told(result))
    sys.exit(0 if search.passed else 1)


def _only(engine: str) -> dict[str, object]:
    """The clips are English: an engine need not know the other languages that the settings allow."""
    languages = {"LANGUAGE__CANDIDATES": json.dumps(["en"]), "LANGUAGE__DEFAULT": "en"}
    return {"ASR__ENGINES": json.dumps({"*": [engine]}), **languages}


class _Trials:
    """Runs trials of a plan, each in a folder of its own, and says how they end."""

    def __init__(self, plan: TrialPlan, folder: Path) -> None:
        self._plan = plan
        self._folder = folder
        self._codecs = load_codecs(load_settings())
        self._count = 0

    def run(self, streams: int) -> Outcome:
        self._count += 1
        to_stderr(f"trial {self._count}: {streams} streams for {self._plan.seconds:g} s")
        folder = self._folder / f"{self._count:02}-{streams}"
        outcome = run_trial(self._plan, streams, self._codecs, folder, lambda line: to_stderr(f"  {line}"))
        verdict = "carried" if outcome.is_carried else f"not carried: {'; '.join(outcome.reasons)}"
        to_stderr(f"  {verdict} (p95 {outcome.p95_ms} ms, {outcome.worker_cores:.2f} cores)")
        return outcome


def _search(trial: _Trials, search: Search) -> list[Outcome]:
    outcomes: list[Outcome] = []
    while (streams := search.next()) is not None:
        outcomes.append(trial.run(streams))
        search.tell(streams, carried=outcomes[-1].is_carried)
    return outcomes


def _result(plan: TrialPlan, search: Search, outcomes: list[Outcome]) -> dict[str, Any]:
    carried = [outcome for outcome in outcomes if outcome.is_carried and outcome.streams == search.passed]
    # Of several trials of the answer, the slowest speaks for it.
    worst = max(carried, key=lambda outcome: outcome.p95_ms or 0.0, default=None)
    cores = len(plan.cores.worker)
    return {
        "streams_per_core": round(search.passed / cores, 1),
        "streams": search.passed,
        "talk_ratio": plan.talk_ratio,
        "speech_share": worst.speech_share if worst else None,
        "p50_ms": worst.p50_ms if worst else None,
        "p95_ms": worst.p95_ms if worst else None,
        "cores_of_worker": cores,
        "cores": plan.cores.told,
        "engine": worst.engine if worst else None,
        "encoding": plan.encoding.value,
        "seconds": plan.seconds,
        "trials": [outcome.to_json() for outcome in outcomes],
    }


def half_load_result(outcome: Outcome | None) -> dict[str, Any]:
    """The figures of the trial at half load; none without it."""
    return {
        "half_load_streams": outcome.streams if outcome else None,
        "half_load_p50_ms": outcome.p50_ms if outcome else None,
        "half_load_p95_ms": outcome.p95_ms if outcome else None,
        "half_load_stages_ms": dict(outcome.stages_ms) if outcome else {},
        "half_load_trial": outcome.to_json() if outcome else None,
    }


def _told(result: dict[str, Any]) -> str:
    whole = {"trials", "half_load_trial", "half_load_stages_ms"}
    lines = [f"{name:20} {value}" for name, value in result.items() if name not in whole]
    for stage, spent in result["half_load_stages_ms"].items():
        lines.append(f"  at half load, {stage:12} p50 {spent['p50']:6.0f} ms, p95 {spent['p95']:6.0f} ms")
    return "\n".join(lines)
