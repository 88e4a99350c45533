import json

import pytest
from click.testing import CliRunner, Result

from loadtest.capacity import command
from loadtest.capacity.outcome import Outcome

CARRIES = 10


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of streams that were tried, on a worker that carries up to CARRIES."""
    numbers: list[int] = []

    def run_trial(plan, streams, codecs, folder, tell) -> Outcome:
        numbers.append(streams)
        latency_ms = 100.0 * streams if streams <= CARRIES else 9_000.0
        return Outcome(
            streams=streams,
            speech_share=0.25,
            flags=100,
            p50_ms=latency_ms / 2,
            p95_ms=latency_ms,
            late_p95_ms=latency_ms,
            lag_growth_s=0.0,
            worker_cores=0.5,
            producer_late_ms=0.0,
            turns_missing=0,
            dead_letters=0,
            engine="whisper:tiny.en@1",
            stages_ms={"endpointing": {"p50": 400.0, "p95": 416.0}},
            p95_limit_ms=plan.p95_limit_ms,
        )

    monkeypatch.setattr(command, "run_trial", run_trial)
    return numbers


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command.capacity, ["--start", "4", *arguments], catch_exceptions=False)


def test_behind_the_search_half_of_the_answer_is_tried(tried: list[int]) -> None:
    result = run("--json")
    told = json.loads(result.stdout.splitlines()[-1])
    assert (told["streams"], told["p95_ms"]) == (CARRIES, 1_000.0)
    assert tried[-1] == CARRIES // 2
    assert (told["half_load_streams"], told["half_load_p50_ms"], told["half_load_p95_ms"]) == (5, 250.0, 500.0)
    assert told["half_load_stages_ms"] == {"endpointing": {"p50": 400.0, "p95": 416.0}}
    assert [trial["streams"] for trial in told["trials"]] == tried[:-1]
    assert result.exit_code == 0


def test_people_read_where_the_time_goes_at_half_load(tried: list[int]) -> None:
    told = run().stdout
    assert "half_load_p95_ms     500.0" in told
    assert "at half load, endpointing  p50    400 ms, p95    416 ms" in told


def test_half_load_may_be_left_out(tried: list[int]) -> None:
    told = json.loads(run("--no-half-load", "--json").stdout.splitlines()[-1])
    assert told["half_load_streams"] is None
    assert tried[-1] == CARRIES


def test_what_carries_nothing_has_no_half(tried: list[int]) -> None:
    result = run("--p95-ms", "50", "--json")
    told = json.loads(result.stdout.splitlines()[-1])
    assert (told["streams"], told["half_load_streams"], result.exit_code) == (0, None, 1)
