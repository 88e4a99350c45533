from collections.abc import Iterator
from concurrent.futures import Executor, Future
from typing import Any

import pytest
from support.streaming import START, a_partial

from moderation.audio.utterance import UtteranceOpened
from moderation.clock import ManualClock
from moderation.partials import PartialOutcome
from moderation.streaming.interims import InterimDesk

OPENED = UtteranceOpened(number=0, first_sequence=0, start_ms=0, started_at=START)


class LaterExecutor(Executor):
    """Runs what it is given when it is told to."""

    def __init__(self) -> None:
        self._given: list[tuple[Future, Any, tuple]] = []

    def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
        self._given.append((Future(), fn, args))
        return self._given[-1][0]

    def run(self) -> None:
        future, work, args = self._given.pop()
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work(*args))
            except Exception as error:  # noqa: BLE001
                future.set_exception(error)


class Interim:
    """Takes two seconds."""

    def __init__(self, clock: ManualClock, *, fails: bool = False) -> None:
        self._clock = clock
        self._fails = fails

    def hear(self) -> PartialOutcome:
        self._clock.advance(2.0)
        if self._fails:
            raise RuntimeError("failed")
        return a_partial(OPENED)


class Office:
    """A desk, its pool and its clock."""

    def __init__(self, *, share: float) -> None:
        self.clock = ManualClock(START)
        self.pool = LaterExecutor()
        self.took: list[float] = []
        self.desk = InterimDesk(self.pool, self.clock, share=share, on_made=self.took.append)

    def begin(self, *, fails: bool = False) -> Future:
        return self.desk.begin(Interim(self.clock, fails=fails))  # type: ignore[arg-type]


@pytest.fixture
def office() -> Iterator[Office]:
    return Office(share=0.25)  # type: ignore[return-value]


def test_one_is_made_at_a_time(office: Office) -> None:
    assert office.desk.is_free
    future = office.begin()
    assert not office.desk.is_free
    office.pool.run()
    assert future.result().opened == OPENED
    assert office.took == [2.0]


def test_none_is_begun_while_an_ended_utterance_is_recognised(office: Office) -> None:
    with office.desk.recognising(), office.desk.recognising():
        assert not office.desk.is_free
    assert office.desk.is_free


@pytest.mark.parametrize("fails", [False, True])
def test_all_together_take_their_share_of_the_time_and_no_more(office: Office, *, fails: bool) -> None:
    office.begin(fails=fails)
    office.pool.run()
    assert not office.desk.is_free
    office.clock.advance(5.9)
    assert not office.desk.is_free
    office.clock.advance(0.1)
    assert office.desk.is_free


def test_one_that_was_given_up_before_it_began_leaves_its_place(office: Office) -> None:
    assert office.begin().cancel()
    assert office.desk.is_free


def test_a_share_of_all_makes_no_pause() -> None:
    office = Office(share=1.0)
    office.begin()
    office.pool.run()
    assert office.desk.is_free
