import random
from collections import Counter
from itertools import pairwise

import pytest

from loadtest.faults.options import FaultCounts
from loadtest.faults.schedule import Fault, FaultKind, plan_faults

COUNTS = FaultCounts(kills=20, engine_kills=10, joins=5, stops=3, terms=2, outages=2)


def planned(counts: FaultCounts = COUNTS, *, seed: int = 1, workers: int = 2) -> list[Fault]:
    return plan_faults(counts, seconds=600, workers=workers, session_timeout_s=30, rng=random.Random(seed))


@pytest.mark.parametrize("workers", [1, 2, 3, 9])
def test_as_many_workers_are_killed_as_was_asked_for_blackouts_included(workers: int) -> None:
    kinds = Counter(fault.kind for fault in planned(workers=workers))
    assert kinds[FaultKind.KILL] + kinds[FaultKind.BLACKOUT] * workers == 20
    assert kinds[FaultKind.BLACKOUT] >= 1
    assert [kinds[kind] for kind in (FaultKind.ENGINE_KILL, FaultKind.JOIN, FaultKind.STOP)] == [10, 5, 3]
    assert [kinds[kind] for kind in (FaultKind.TERM, FaultKind.OUTAGE)] == [2, 2]


def test_faults_come_in_order_all_over_the_run_after_a_calm_beginning() -> None:
    times = [fault.at_s for fault in planned()]
    assert times == sorted(times)
    assert times[0] > 600 * 0.04
    assert times[-1] < 600
    assert max(later - earlier for earlier, later in pairwise(times)) < 600 / len(times) * 2


def test_a_stopped_worker_stands_still_for_longer_than_the_session_timeout() -> None:
    assert all(fault.lasts_s > 30 for fault in planned() if fault.kind is FaultKind.STOP)


def test_the_same_seed_gives_the_same_faults_and_another_seed_others() -> None:
    assert planned(seed=3) == planned(seed=3)
    assert planned(seed=3) != planned(seed=4)


def test_no_faults_are_no_faults() -> None:
    assert planned(FaultCounts()) == []
