from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from moderation.asr.vosk.crashes import CrashHistory
from moderation.asr.vosk.slot import WorkerSlot
from moderation.clock import ManualClock
from moderation.errors import ConfigurationError, EngineCrashed, InvariantViolation


class Link:
    """A worker that can be told to die or to retire."""

    def __init__(self) -> None:
        self.takes_utterances = True
        self.crashed = False
        self.closed = False

    def begin(self) -> int:
        return 7

    def close(self) -> None:
        self.closed = True

    def die(self) -> None:
        self.takes_utterances, self.crashed = False, True


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
def slot(forks: Callable[[], Link]) -> WorkerSlot:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    return WorkerSlot(forks, CrashHistory(max_crashes=1, window_s=60.0), clock)  # type: ignore[arg-type]


def test_a_worker_is_started_with_the_first_utterance_and_kept(slot: WorkerSlot, forks: Forks) -> None:
    assert slot.link is None
    assert slot.begin()[0] is slot.begin()[0]
    assert len(forks.links) == 1


def test_a_dead_worker_is_replaced(slot: WorkerSlot, forks: Forks) -> None:
    slot.begin()
    forks.links[0].die()
    assert slot.begin()[0] is forks.links[1]  # type: ignore[comparison-overlap]


def test_a_retired_worker_is_replaced_and_is_no_crash(slot: WorkerSlot, forks: Forks) -> None:
    for _ in range(5):
        slot.begin()
        forks.links[-1].takes_utterances = False
    slot.begin()
    assert len(forks.links) == 6


def test_more_crashes_than_the_setting_allows_are_an_error_for_the_operator(slot: WorkerSlot, forks: Forks) -> None:
    slot.begin()
    forks.links[0].die()
    slot.begin()
    forks.links[1].die()
    with pytest.raises(ConfigurationError, match="MODERATION_ASR__VOSK_MAX_CRASHES"):
        slot.begin()


def test_workers_that_cannot_be_started_count_as_crashes(slot: WorkerSlot, forks: Forks) -> None:
    forks.fails = True
    for _ in range(2):
        with pytest.raises(EngineCrashed):
            slot.begin()
    with pytest.raises(ConfigurationError):
        slot.begin()


def test_closing_ends_the_worker_and_refuses_another(slot: WorkerSlot, forks: Forks) -> None:
    slot.begin()
    slot.close()
    assert forks.links[0].closed
    forks.links[0].takes_utterances = False
    with pytest.raises(InvariantViolation):
        slot.begin()
