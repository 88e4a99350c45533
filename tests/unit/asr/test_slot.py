from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from moderation.asr.vosk.crashes import CrashHistory
from moderation.asr.vosk.slot import MAX_FAILED_STARTS, WorkerSlot
from moderation.clock import ManualClock
from moderation.errors import EngineCrashed, EngineFailed, InvariantViolation


class Link:
    """A worker that can be told to die or to retire."""

    def __init__(self) -> None:
        self.takes_utterances = True
        self.crashed = False
        self.closed = False
        self.pid = 1
        self.died_serving: int | None = None

    def begin(self) -> int:
        return 7

    def close(self) -> None:
        self.closed = True

    def die(self, serving: int | None = None) -> None:
        self.takes_utterances, self.crashed, self.died_serving = False, True, serving


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


@pytest.fixture
def restarts() -> list[str]:
    return []


@pytest.fixture
def slot(forks: Callable[[], Link], restarts: list[str]) -> WorkerSlot:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    history = CrashHistory(max_crashes=1, window_s=60.0)
    return WorkerSlot(forks, history, clock, on_restart=restarts.append)  # type: ignore[arg-type]


def test_a_worker_is_started_with_the_first_utterance_and_kept(
    slot: WorkerSlot, forks: Forks, restarts: list[str]
) -> None:
    assert slot.link is None
    assert slot.begin()[0] is slot.begin()[0]
    assert len(forks.links) == 1
    assert restarts == []


def test_a_dead_worker_is_replaced_and_that_is_told(slot: WorkerSlot, forks: Forks, restarts: list[str]) -> None:
    slot.begin()
    forks.links[0].die()
    assert slot.begin()[0] is forks.links[1]  # type: ignore[comparison-overlap]
    assert restarts == ["died"]


def test_a_retired_worker_is_replaced_and_is_no_crash(slot: WorkerSlot, forks: Forks, restarts: list[str]) -> None:
    for _ in range(5):
        slot.begin()
        forks.links[-1].takes_utterances = False
    slot.begin()
    assert len(forks.links) == 6
    assert restarts == ["grew"] * 5


def test_an_engine_whose_worker_dies_too_often_has_failed(slot: WorkerSlot, forks: Forks) -> None:
    slot.begin()
    forks.links[0].die(serving=1)
    slot.begin()
    forks.links[1].die(serving=2)
    with pytest.raises(EngineFailed, match="MODERATION_ASR__VOSK_MAX_CRASHES"):
        slot.begin()


def test_an_utterance_that_kills_every_worker_does_not_make_the_engine_fail(slot: WorkerSlot, forks: Forks) -> None:
    slot.begin()
    forks.links[-1].die(serving=1)
    slot.begin()
    forks.links[-1].die(serving=1)
    assert slot.begin()[0] is forks.links[2]  # type: ignore[comparison-overlap]


def test_workers_that_cannot_be_started_make_the_engine_fail_soon(
    slot: WorkerSlot, forks: Forks, restarts: list[str]
) -> None:
    slot._history = CrashHistory(max_crashes=100, window_s=60.0)
    forks.fails = True
    for _ in range(MAX_FAILED_STARTS - 1):
        with pytest.raises(EngineCrashed):
            slot.begin()
    with pytest.raises(EngineFailed, match="could not be started"):
        slot.begin()
    assert restarts == []


def test_a_start_that_succeeds_after_one_that_failed_is_told_once(
    slot: WorkerSlot, forks: Forks, restarts: list[str]
) -> None:
    slot.begin()
    forks.links[0].die(serving=1)
    forks.fails = True
    with pytest.raises(EngineCrashed):
        slot.begin()
    forks.fails = False
    slot._history = CrashHistory(max_crashes=9, window_s=60.0)
    slot.begin()
    slot.begin()
    assert restarts == ["died"]


def test_closing_ends_the_worker_and_refuses_another(slot: WorkerSlot, forks: Forks) -> None:
    slot.begin()
    slot.close()
    assert forks.links[0].closed
    forks.links[0].takes_utterances = False
    with pytest.raises(InvariantViolation):
        slot.begin()
