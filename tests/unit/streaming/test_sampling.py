import asyncio
from collections.abc import Iterable

import pytest

from moderation.streaming.sampling import WorkerSampler
from moderation.streaming.supervision import PartitionSample
from moderation.streaming.transport import FetchState, Partition

A, SPARE = ("voice-audio", 3), ("voice-audio", 0)
STATE = FetchState(position=5, highwater=6, answered_ms=77, last_fetched=4)


class Consumer:
    """Answers, or not."""

    def __init__(self) -> None:
        self.states: dict[Partition, FetchState] = {A: STATE}
        self.asked: list[list[Partition]] = []
        self.failure: Exception | None = None
        self.broker_is_there = asyncio.Event()
        self.broker_is_there.set()

    async def fetch_states(self) -> dict[Partition, FetchState]:
        if self.failure:
            raise self.failure
        return self.states

    async def end_offsets(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        self.asked.append(list(partitions))
        await self.broker_is_there.wait()
        return dict.fromkeys(self.asked[-1], 9)


class Memory:
    def by_role(self) -> dict[str, int]:
        return {"worker": 1}


@pytest.fixture
def consumer() -> Consumer:
    return Consumer()


@pytest.fixture
def sampler(consumer: Consumer) -> WorkerSampler:
    return WorkerSampler(consumer, Memory(), spare=SPARE, answer_deadline_s=0.01)  # type: ignore[arg-type]


async def test_a_sample_puts_together_what_consumer_broker_and_system_say(
    sampler: WorkerSampler, consumer: Consumer
) -> None:
    await sampler.sample(committable={}, is_intake_paused=False)
    sample = await sampler.sample(committable={A: 4}, is_intake_paused=True)
    assert sample.partitions == {A: PartitionSample(position=5, end=9, last_fetched=4, committable=4, answered=77)}
    assert (sample.consumer_answered, sample.broker_answered, sample.is_intake_paused) == (True, True, True)
    assert sample.memory_bytes == {"worker": 1}


async def test_a_worker_without_partitions_asks_for_one_all_the_same(
    sampler: WorkerSampler, consumer: Consumer
) -> None:
    consumer.states = {}
    sample = await sampler.sample(committable={}, is_intake_paused=False)
    assert consumer.asked == [[SPARE]]
    assert sample.broker_answered


async def test_a_question_that_is_open_is_not_asked_again_and_its_answer_counts_when_it_comes(
    sampler: WorkerSampler, consumer: Consumer
) -> None:
    consumer.broker_is_there.clear()
    samples = [await sampler.sample(committable={}, is_intake_paused=False) for _ in range(3)]
    assert [sample.broker_answered for sample in samples] == [False] * 3
    assert samples[0].consumer_answered
    assert len(consumer.asked) == 1
    consumer.broker_is_there.set()
    assert (await sampler.sample(committable={}, is_intake_paused=False)).broker_answered
    assert (await sampler.sample(committable={}, is_intake_paused=False)).broker_answered
    assert len(consumer.asked) == 2


async def test_a_consumer_that_fails_has_not_answered(sampler: WorkerSampler, consumer: Consumer) -> None:
    consumer.failure = RuntimeError("not started")
    sample = await sampler.sample(committable={}, is_intake_paused=False)
    assert not sample.consumer_answered
    assert sample.partitions == {}
    consumer.failure = None
    assert (await sampler.sample(committable={}, is_intake_paused=False)).consumer_answered
