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


def test_each_way_is_measured_by_its_own_clock() -> None:
    clocks = {"a": iter(range(100)), "b": iter(range(0, 1_000, 10))}
    ways = [Way(name=name, run=lambda: None, cpu_s=lambda name=name: float(next(clocks[name]))) for name in ("a", "b")]
    timings = take_turns(ways, runs=2, on_run=lambda _: None)
    assert {name: timing.cpu_s for name, timing in timings.items()} == {"a": (1.0, 1.0), "b": (10.0, 10.0)}


def test_parts_are_summed_run_by_run() -> None:
    whole = Timing.sum_of("whole", [Timing(name="a", cpu_s=(1.0, 2.0)), Timing(name="b", cpu_s=(10.0, 20.0))])
    assert (whole.name, whole.cpu_s) == ("whole", (11.0, 22.0))


def test_how_many_times_as_much_is_the_median_of_the_ratios_of_runs() -> None:
    ours = Timing(name="ours", cpu_s=(1.0, 3.0, 5.0))
    assert ours.median_ratio_to(Timing(name="bare", cpu_s=(1.0, 2.0, 4.0))) == 1.25


def test_ratios_are_of_neighbouring_runs() -> None:
    ours = Timing(name="ours", cpu_s=(1.0, 2.0, 4.0))
    theirs = Timing(name="theirs", cpu_s=(3.0, 8.0, 20.0))
    assert ours.times_faster_than(theirs) == pytest.approx(4.0)
    assert ours.median_s == 2.0
