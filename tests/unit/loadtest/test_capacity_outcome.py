from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from support.events import a_flag

from loadtest.capacity.command import half_load_result
from loadtest.capacity.outcome import Lag, Outcome, engine_of, lag_growth_s, latencies, plot, settled, stage_times
from loadtest.cores import divide_cores
from loadtest.report import SeenFlag

START = datetime(2026, 1, 1, tzinfo=UTC)

GOOD = Outcome(
    streams=20,
    speech_share=0.25,
    flags=200,
    p50_ms=600.0,
    p95_ms=1_400.0,
    late_p95_ms=1_450.0,
    lag_growth_s=0.1,
    worker_cores=0.8,
    producer_late_ms=20.0,
    turns_missing=0,
    dead_letters=0,
    engine="whisper:tiny.en@1",
)


def seen(flag_id: str, at_s: float, delay_ms: int) -> SeenFlag:
    ended_at = START + timedelta(seconds=at_s)
    flag = a_flag(
        flag_id=flag_id,
        started_at=ended_at - timedelta(seconds=1),
        ended_at=ended_at,
        models={"asr": "whisper:tiny.en@1" if at_s < 100 else "vosk:ko@1"},
    )
    return SeenFlag(flag=flag, published_at=ended_at + timedelta(milliseconds=delay_ms))


def test_what_meets_every_limit_is_carried() -> None:
    assert GOOD.is_carried
    assert GOOD.to_json()["carried"] is True


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"p95_ms": 1_501.0}, "p95 1501 ms"),
        ({"late_p95_ms": 2_000.0}, "p95 of the last third 2000 ms"),
        ({"lag_growth_s": 0.6}, "lag grew by 0.6 s"),
        ({"turns_missing": 1}, "1 turns were not transcribed"),
        ({"dead_letters": 2}, "2 dead letters"),
        ({"flags": 3}, "3 flags are too few"),
        ({"producer_late_ms": 900.0}, "the producers were 900 ms late"),
    ],
)
def test_each_limit_alone_is_a_reason(change: dict, reason: str) -> None:
    outcome = replace(GOOD, **change)
    assert not outcome.is_carried
    (told,) = outcome.reasons
    assert reason in told


def test_a_trial_may_ask_for_another_limit() -> None:
    assert replace(GOOD, p95_limit_ms=1_399.0).reasons == ["p95 1400 ms", "p95 of the last third 1450 ms"]


def test_warming_up_does_not_count_and_a_flag_that_comes_twice_counts_once() -> None:
    flags = [seen("early", 1, 9_000), *(seen(str(n), 10 + n, 500 + n) for n in range(30)), seen("0", 10, 8_000)]
    counted = settled(flags, since=START + timedelta(seconds=10))
    assert [item.flag.flag_id for item in counted] == [str(n) for n in range(30)]
    assert latencies(counted) == (515.0, 528.0, 529.0)


def test_without_flags_there_is_no_latency() -> None:
    assert settled([], since=START) == []
    assert latencies([]) == (None, None, None)


def staged(latency_ms: int, flagged_after_ms: int, timings_ms: dict[str, float]) -> SeenFlag:
    ended_at = START + timedelta(seconds=20)
    flag = a_flag(
        flag_id=str(latency_ms),
        started_at=START,
        ended_at=ended_at,
        flagged_at=ended_at + timedelta(milliseconds=flagged_after_ms),
        timings_ms=timings_ms,
    )
    return SeenFlag(flag=flag, published_at=ended_at + timedelta(milliseconds=latency_ms))


def test_the_stages_of_a_flag_sum_to_its_latency() -> None:
    told = stage_times([staged(700, 690, {"endpointing": 400.0, "recognition": 120.0})])
    assert told == {
        "endpointing": {"p50": 400.0, "p95": 400.0},
        "recognition": {"p50": 120.0, "p95": 120.0},
        "publishing": {"p50": 10.0, "p95": 10.0},
        "arriving": {"p50": 170.0, "p95": 170.0},
    }


def test_each_stage_has_percentiles_of_its_own() -> None:
    flags = [staged(1_000 + n, 1_000, {"recognition": float(100 - n)}) for n in range(100)]
    told = stage_times(flags)
    assert told["recognition"] == {"p50": 51.0, "p95": 96.0}
    assert told["publishing"] == {"p50": 50.0, "p95": 95.0}
    assert stage_times([]) == {}


def test_half_load_is_told_apart_from_the_answer() -> None:
    half = replace(GOOD, streams=10, p50_ms=550.0, p95_ms=800.0, stages_ms={"endpointing": {"p50": 1.0, "p95": 2.0}})
    told = half_load_result(half)
    assert (told["half_load_streams"], told["half_load_p50_ms"], told["half_load_p95_ms"]) == (10, 550.0, 800.0)
    assert told["half_load_stages_ms"] == {"endpointing": {"p50": 1.0, "p95": 2.0}}
    assert half_load_result(None)["half_load_streams"] is None


def test_lag_growth_is_told_in_seconds_of_what_the_streams_send() -> None:
    steady = [Lag(at_s=float(n), chunks=40) for n in range(30)]
    growing = [Lag(at_s=float(n), chunks=10 * n) for n in range(30)]
    assert lag_growth_s(steady, streams=10) == 0
    assert lag_growth_s(growing, streams=10) == 4.0
    assert lag_growth_s(steady[:2], streams=10) == 0


def test_the_engine_is_that_of_most_flags() -> None:
    assert engine_of([seen("a", 1, 1), seen("b", 100, 1), seen("c", 2, 1)]) == "whisper:tiny.en@1"
    assert engine_of([]) is None


def test_the_plot_shows_every_trial_in_order_of_streams() -> None:
    lines = plot([replace(GOOD, streams=40, p95_ms=9_000.0), GOOD, replace(GOOD, streams=1, p95_ms=None)]).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["1", "20", "40"]
    assert "no flags" in lines[1]
    assert lines[2].endswith("1400")
    assert lines[3].endswith("9000  not carried")
    assert all(line.count("|") == 1 for line in lines[1:])
    assert plot([]) == ""


@pytest.mark.parametrize(
    ("available", "wanted", "worker", "rest"),
    [
        ({0, 1}, 1, {0}, {1}),
        ({2, 3, 5}, 2, {2, 3}, {5}),
        ({0, 1}, 4, {0}, {1}),
        ({7}, 1, {7}, {7}),
    ],
)
def test_cores_are_divided_and_everybody_gets_one(available: set, wanted: int, worker: set, rest: set) -> None:
    cores = divide_cores(frozenset(available), wanted)
    assert (cores.worker, cores.rest) == (worker, rest)
    assert ("share" in cores.told) == (worker == rest)
