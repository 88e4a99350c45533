import subprocess
import sys
from subprocess import PIPE

import pytest

from moderation.bench.cpu import Timing, Way, family_cpu_s, take_turns

BURN = "import time\nwhile time.process_time() < 0.5: pass"


def test_processor_time_of_children_counts_while_they_live_and_after_they_ended() -> None:
    before_s = family_cpu_s()
    child = subprocess.Popen(
        [sys.executable, "-c", f"{BURN}\nprint('done', flush=True)\ninput()"], stdin=PIPE, stdout=PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    while_alive_s = family_cpu_s() - before_s
    child.communicate(b"\n")
    after_s = family_cpu_s() - before_s
    assert while_alive_s >= 0.4
    assert after_s >= while_alive_s


def test_a_process_that_is_gone_has_used_nothing() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert family_cpu_s(child.pid) == 0


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
