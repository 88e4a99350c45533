from datetime import UTC, datetime

import pytest

from moderation.asr.vosk.crashes import CrashHistory
from moderation.asr.vosk.supply import MAX_FAILED_STARTS, WorkerSupply
from moderation.clock import ManualClock
from moderation.errors import EngineCrashed, EngineFailed, InvariantViolation


class Link:
    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


class Forks:
    def __init__(self) -> None:
        self.links: list[Link] = []
        self.fails = False

    def __call__(self) -> Link:
        if self.fails:
            raise EngineCrashed("no")
        self.links.append(Link())
        return self.links[-1]


@pytest.fixture
def forks() -> Forks:
    return Forks()


def supply_of(forks: Forks, *, max_crashes: int = 1, max_workers: int = 2) -> WorkerSupply:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    history = CrashHistory(max_crashes=max_crashes, window_s=60.0)
    return WorkerSupply(forks, history, clock, max_workers=max_workers)  # type: ignore[arg-type]


def test_each_utterance_has_a_worker_of_its_own_which_ends_with_it(forks: Forks) -> None:
    supply = supply_of(forks)
    first, second = supply.begin(), supply.begin()
    assert set(supply.open_links) == {first, second}
    supply.end(first)
    supply.end(first)
    assert [link.closed for link in forks.links] == [True, False]
    assert supply.open_links == (second,)


def test_who_is_still_spoken_waits_for_a_worker_and_who_has_ended_does_not(forks: Forks) -> None:
    supply = supply_of(forks, max_workers=2)
    first = supply.begin_early()
    assert first is not None
    assert supply.begin_early() is not None
    assert supply.begin_early() is None
    supply.begin()
    assert len(forks.links) == 3
    supply.end(first)
    assert supply.begin_early() is None
    supply.end(supply.open_links[0])
    assert supply.begin_early() is not None


def test_an_engine_whose_workers_die_too_often_has_failed(forks: Forks) -> None:
    supply = supply_of(forks, max_crashes=1)
    supply.record_crash(utterance=1)
    supply.begin()
    supply.record_crash(utterance=2)
    with pytest.raises(EngineFailed, match="MODERATION_ASR__VOSK_MAX_CRASHES"):
        supply.begin()


def test_an_utterance_that_kills_every_worker_does_not_make_the_engine_fail(forks: Forks) -> None:
    supply = supply_of(forks, max_crashes=1)
    supply.record_crash(utterance=1)
    supply.record_crash(utterance=1)
    supply.begin()


def test_workers_that_cannot_be_started_make_the_engine_fail_soon(forks: Forks) -> None:
    supply = supply_of(forks, max_crashes=100)
    forks.fails = True
    for _ in range(MAX_FAILED_STARTS - 1):
        with pytest.raises(EngineCrashed):
            supply.begin()
    with pytest.raises(EngineFailed, match="could not be started"):
        supply.begin()


def test_a_start_that_succeeds_begins_the_count_anew(forks: Forks) -> None:
    supply = supply_of(forks, max_crashes=100)
    for _ in range(MAX_FAILED_STARTS):
        forks.fails = True
        with pytest.raises(EngineCrashed):
            supply.begin()
        forks.fails = False
        supply.begin()


def test_closing_ends_the_workers_and_refuses_others(forks: Forks) -> None:
    supply = supply_of(forks)
    supply.begin()
    supply.close()
    assert forks.links[0].closed
    with pytest.raises(InvariantViolation):
        supply.begin()
