import pytest

from loadtest.memory import MemoryLog, slope, usage_of
from loadtest.process_tree import ProcessInfo, Role

MB = 1024


def test_a_process_that_stays_as_it_is_does_not_grow() -> None:
    usage = usage_of("worker", [(float(n), 100 * MB) for n in range(100)])
    assert (usage.start_mb, usage.middle_mb, usage.end_mb, usage.growth_mb, usage.mb_per_hour) == (100, 100, 100, 0, 0)


def test_a_leak_shows_in_growth_and_slope() -> None:
    usage = usage_of("worker", [(float(n), n * MB) for n in range(101)])
    assert usage.growth_mb == pytest.approx(87, abs=2)
    assert usage.mb_per_hour == pytest.approx(3600)


def test_what_grows_while_it_settles_is_not_held_against_it() -> None:
    sizes = [n * 50 * MB for n in range(10)] + [500 * MB] * 90
    usage = usage_of("worker", [(float(n), size) for n, size in enumerate(sizes)])
    assert (usage.start_mb, usage.settled_mb, usage.growth_mb) == (0, 500, 0)


def test_a_single_peak_is_a_peak_and_no_growth() -> None:
    sizes = [100 * MB] * 99 + [900 * MB]
    usage = usage_of("worker", [(float(n), size) for n, size in enumerate(sizes)])
    assert (usage.peak_mb, usage.end_mb) == (900, 100)


def test_one_sample_is_enough() -> None:
    assert usage_of("worker", [(0.0, MB)]).growth_mb == 0


def test_the_slope_of_points_on_a_line_is_that_of_the_line() -> None:
    assert slope([(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]) == pytest.approx(2.0)


def test_processes_are_told_apart() -> None:
    log = MemoryLog()
    for at in (0.0, 1.0):
        log.add(at, [ProcessInfo(pid=1, parent=0, role=Role.WORKER, rss_kb=MB, anonymous_kb=0)])
    log.add(1.0, [ProcessInfo(pid=2, parent=1, role=Role.ENGINE, rss_kb=MB, anonymous_kb=0)], prefix="broker-")
    assert [usage.name for usage in log.usages()] == ["worker-1", "broker-engine-2"]
