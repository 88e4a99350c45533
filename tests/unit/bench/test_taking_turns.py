import pytest

from moderation.bench.cpu import Timing, Way, take_turns


def test_ways_take_turns_and_the_first_round_does_not_count() -> None:
    done: list[str] = []
    told: list[str] = []
    timings = take_turns(
        [Way(name=name, run=lambda name=name: done.append(name)) for name in ("a", "b")], runs=2, on_run=told.append
    )
    assert done == ["a", "b"] * 3
    assert told == [
        "a, warming up",
        "b, warming up",
        "a, run 1 of 2",
        "b, run 1 of 2",
        "a, run 2 of 2",
        "b, run 2 of 2",
    ]
    assert {name: len(timing.cpu_s) for name, timing in timings.items()} == {"a": 2, "b": 2}


def test_ratios_are_of_neighbouring_runs() -> None:
    ours = Timing(name="ours", cpu_s=(1.0, 2.0, 4.0))
    theirs = Timing(name="theirs", cpu_s=(3.0, 8.0, 20.0))
    assert ours.times_faster_than(theirs) == pytest.approx(4.0)
    assert ours.median_s == 2.0
