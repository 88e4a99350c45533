"""The demo waits until everything it sent is committed."""

from datetime import UTC, datetime

import pytest
from aiokafka import TopicPartition

from moderation.clock import ManualClock
from moderation.demo.drain import unfinished, until_finished

ONE, TWO = TopicPartition("voice-audio", 0), TopicPartition("voice-audio", 1)


@pytest.mark.parametrize(
    ("ends", "committed", "left"),
    [
        ({ONE: 5, TWO: 3}, {ONE: 5, TWO: 3}, 0),
        ({ONE: 5, TWO: 3}, {ONE: 2}, 6),
        ({ONE: 0}, {}, 0),
        ({ONE: 5}, {ONE: -1}, 5),
        ({ONE: 5}, {ONE: 5, TopicPartition("other", 0): 1}, 0),
    ],
    ids=["all", "one partition not begun", "empty", "no offset known", "another topic"],
)
def test_what_is_not_committed_is_unfinished(ends, committed, left):
    assert unfinished(ends, committed) == left


async def drained(answers: list[int], deadline_s: float) -> int:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))

    async def remaining() -> int:
        return answers.pop(0)

    async def sleep(seconds: float) -> None:
        clock.advance(seconds)

    return await until_finished(remaining, deadline_s=deadline_s, clock=clock, sleep=sleep)


async def test_waiting_ends_when_nothing_remains():
    assert await drained([9, 4, 0], deadline_s=100) == 0


async def test_waiting_ends_at_the_deadline_and_says_what_remains():
    assert await drained([9] * 6, deadline_s=1) == 9
