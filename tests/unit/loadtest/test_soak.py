from datetime import timedelta

import pytest
from support.events import START, a_flag

from loadtest.clips import Clip
from loadtest.conversation import Turn
from loadtest.memory import Usage
from loadtest.report import Heard, PlannedTurn, SeenFlag
from loadtest.run import Observed
from loadtest.soak import SoakPlan, SoakReport, latency_by_period


def seen(second: float, latency_ms: float = 500.0) -> SeenFlag:
    ended_at = START + timedelta(seconds=second)
    flag = a_flag(stream_id="m", flag_id=str(second), started_at=ended_at - timedelta(seconds=1), ended_at=ended_at)
    return SeenFlag(flag=flag, published_at=ended_at + timedelta(milliseconds=latency_ms))


def planned(second: float) -> PlannedTurn:
    turn = Turn(clip=Clip(clip_id="c", packets=(), flagged=True), start_ms=0, end_ms=1000)
    ended_at = START + timedelta(seconds=second)
    return PlannedTurn(stream_id="m", turn=turn, started_at=ended_at - timedelta(seconds=1), ended_at=ended_at)


def heard(second: float) -> Heard:
    ended_at = START + timedelta(seconds=second)
    return Heard("m", f"u{second}", ended_at - timedelta(seconds=1), ended_at)


def usage(growth_mb: float, name: str = "worker-1") -> Usage:
    return Usage(name=name, start_mb=1, settled_mb=1, middle_mb=1, end_mb=1 + growth_mb, peak_mb=1, mb_per_hour=0)


def report(**changes: object) -> SoakReport:
    figures = {"streams": 1, "seconds": 10.0, "chunks_sent": 1, "producer_late_ms_max": 0.0, "dead_letters": 0}
    values = {
        "planned": [planned(10)],
        "flags": [seen(10)],
        "transcripts": [heard(10)],
        "dead_letters": 0,
        "figures": figures,
    }
    observed = Observed(**(values | {name: value for name, value in changes.items() if name in values}))
    others = {"usages": [usage(0)], "worker_died": False, "worker_exit_code": 0}
    return SoakReport(
        plan=SoakPlan(seconds=10.0),
        observed=observed,
        **(others | {name: value for name, value in changes.items() if name in others}),
    )


def test_a_run_in_which_all_came_back_once_is_right() -> None:
    assert report().is_right
    assert report().to_json()["ok"] is True


@pytest.mark.parametrize(
    "changes",
    [
        {"transcripts": []},
        {"flags": []},
        {"flags": [seen(10), seen(10)]},
        {"transcripts": [heard(10), heard(10)]},
        {"usages": [usage(151)]},
        {"worker_died": True},
        {"worker_exit_code": 1},
        {
            "figures": {
                "streams": 1,
                "seconds": 10.0,
                "chunks_sent": 1,
                "producer_late_ms_max": 0.0,
                "dead_letters": 1,
            }
        },
    ],
)
def test_whatever_is_lost_repeated_dead_or_grown_is_not_right(changes: dict[str, object]) -> None:
    assert not report(**changes).is_right


def test_the_broker_may_grow() -> None:
    assert report(usages=[usage(0), usage(9_999, "broker-other-2")]).is_right


def test_latency_is_told_by_thirds_of_the_run() -> None:
    flags = [seen(0, 100), seen(10, 200), seen(14, 300), seen(29, 400), seen(30, 500)]
    told = latency_by_period(flags)
    assert [told[name]["flags"] for name in ("start", "middle", "end")] == [1, 2, 2]
    assert (told["start"]["p50"], told["end"]["max"]) == (100.0, 500.0)


def test_latency_of_no_flags_is_nothing() -> None:
    assert latency_by_period([]) == {}
    assert latency_by_period([seen(1)])["start"]["flags"] == 1
