import asyncio
from concurrent.futures import Executor, Future
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support.streaming import START
from support.utterances import an_utterance

from moderation.asr.engine import Recognition
from moderation.audio.utterance import IntakeEvent, Utterance, UtteranceAudio, UtterancePaused
from moderation.clock import ManualClock
from moderation.early import EarlyRecognition
from moderation.streaming.early import EarlyDesk, StreamEarly
from moderation.streaming.interims import InterimDesk

NOTHING = Recognition(text="", words=(), confidence=1.0, language="en", audio_ms=1)


class Pool(Executor):
    """Holds what it is given."""

    def __init__(self) -> None:
        self.given: list[Future[Recognition]] = []

    def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.given.append(Future())
        return self.given[-1]


class Told(list[bool]):
    def recognised_early(self, *, in_vain: bool) -> None:
        self.append(in_vain)


class Office:
    """A desk, a stream that uses it, and what its pipeline was given."""

    def __init__(self, share: float = 0.25) -> None:
        self.clock = ManualClock(START)
        self.pool = Pool()
        self.interims = InterimDesk(self.pool, self.clock, share=1.0, on_made=lambda seconds: None)
        self.desk = EarlyDesk(self.pool, self.clock, self.interims, share=share)
        self.told = Told()
        self.taken: list[EarlyRecognition] = []
        self.pipeline: Any = SimpleNamespace(early=self.early, take_early=self.taken.append)
        self.stream = StreamEarly(self.desk, self.told)

    def early(self, paused: UtterancePaused) -> EarlyRecognition:
        engine: Any = SimpleNamespace()
        return EarlyRecognition(engine, stream_id="s", language="en", paused=paused, clock=self.clock)

    def hear(self, *events: IntakeEvent, stream: StreamEarly | None = None) -> None:
        for event in events:
            (stream or self.stream).follow(event, self.pipeline)

    def in_vain(self, seconds: float) -> None:
        """Recognise so long, and then the utterance goes on."""
        self.hear(paused(10))
        self.clock.advance(seconds)
        self.pool.given[-1].set_result(NOTHING)
        self.stream.drop()


def paused(length: int) -> UtterancePaused:
    return UtterancePaused(number=0, samples=np.zeros(length, np.float32))


def ended(length: int) -> Utterance:
    return an_utterance(np.zeros(length, np.float32))


@pytest.fixture
def office() -> Office:
    return Office()


async def test_an_utterance_that_ends_at_its_pause_is_given_what_is_recognised(office: Office) -> None:
    office.hear(paused(10), UtteranceAudio(number=0, samples=np.zeros(5, np.float32)), ended(10))
    assert [early.is_of(ended(10)) for early in office.taken] == [True]
    assert office.told == [False]


@pytest.mark.parametrize("after", [paused(20), ended(20)])
async def test_what_was_begun_for_an_utterance_that_went_on_was_in_vain(office: Office, after: IntakeEvent) -> None:
    office.hear(paused(10), after)
    assert not office.taken
    assert office.told == [True]


async def test_what_is_in_vain_is_at_most_a_share_of_the_time_in_the_long_run(office: Office) -> None:
    office.in_vain(0.4)
    assert office.desk.is_open
    office.in_vain(0.4)
    assert not office.desk.is_open
    office.clock.advance(0.7)
    assert not office.desk.is_open
    office.clock.advance(0.5)
    assert office.desk.is_open


async def test_one_is_recognised_early_at_a_time_and_the_next_as_soon_as_it_was(office: Office) -> None:
    office.hear(paused(10))
    other = StreamEarly(office.desk, office.told)
    office.hear(paused(10), stream=other)
    assert len(office.pool.given) == 1
    office.pool.given[0].set_result(NOTHING)
    await asyncio.sleep(0)
    assert len(office.pool.given) == 2


async def test_none_is_begun_while_an_ended_utterance_is_recognised_and_then_the_first_that_waits(
    office: Office,
) -> None:
    with office.interims.recognising():
        with office.interims.recognising():
            office.hear(paused(10))
        assert not office.pool.given
    assert len(office.pool.given) == 1


async def test_one_that_ends_or_goes_on_while_it_waits_costs_nothing(office: Office) -> None:
    with office.interims.recognising():
        for after in (ended(10), paused(20), ended(30)):
            office.hear(paused(10), after)
    assert not (office.pool.given + office.taken + office.told)


async def test_without_a_share_none_is_ever_begun() -> None:
    office = Office(share=0)
    office.hear(paused(10), ended(10))
    assert (office.pool.given, office.taken) == ([], [])


async def test_a_stream_that_ends_wants_nothing_more(office: Office) -> None:
    office.hear(paused(10))
    office.stream.drop()
    office.stream.drop()
    assert office.told == [True]
