"""Only what was acked is committed, one request at a time, and a failure is made good."""

import asyncio
from collections.abc import Mapping

from aiokafka.errors import CommitFailedError, IllegalStateError

from moderation.streaming.committing import Committer
from moderation.streaming.transport import Partition

ONE, TWO = ("voice-audio", 1), ("voice-audio", 2)


class Consumer:
    """Remembers commits; fails as told."""

    def __init__(self) -> None:
        self.commits: list[dict[Partition, int]] = []
        self.failure: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.at_once = 0

    async def commit_offsets(self, offsets: Mapping[Partition, int]) -> None:
        self.at_once += 1
        assert self.at_once == 1
        await self.gate.wait()
        self.at_once -= 1
        if self.failure:
            raise self.failure
        self.commits.append(dict(offsets))


def a_committer() -> tuple[Committer, Consumer, list[bool]]:
    consumer, told = Consumer(), []
    return Committer(lambda: consumer, on_commit=told.append), consumer, told


async def test_only_what_moved_is_committed() -> None:
    committer, consumer, _ = a_committer()
    await committer.commit({ONE: 5}, deadline_s=1)
    await committer.commit({ONE: 5, TWO: 3}, deadline_s=1)
    await committer.commit({ONE: 5, TWO: 3}, deadline_s=1)
    assert consumer.commits == [{ONE: 5}, {TWO: 3}]
    assert committer.committed == {ONE: 5, TWO: 3}


async def test_a_failed_commit_is_made_good_by_the_next() -> None:
    committer, consumer, told = a_committer()
    for failure in (CommitFailedError(), IllegalStateError("not assigned")):
        consumer.failure = failure
        await committer.commit({ONE: 5}, deadline_s=1)
    assert committer.committed == {}
    consumer.failure = None
    await committer.commit({ONE: 5}, deadline_s=1)
    assert consumer.commits == [{ONE: 5}]
    assert told == [False, False, True]


async def test_a_broker_that_does_not_answer_delays_no_longer_than_the_deadline() -> None:
    committer, consumer, told = a_committer()
    consumer.gate.clear()
    await committer.commit({ONE: 5}, deadline_s=0.01)
    assert told == [False]


async def test_commits_take_turns() -> None:
    committer, consumer, _ = a_committer()
    consumer.gate.clear()
    both = asyncio.gather(committer.commit({ONE: 5}, deadline_s=2), committer.commit({ONE: 6}, deadline_s=2))
    await asyncio.sleep(0.01)
    consumer.gate.set()
    await both
    assert consumer.commits == [{ONE: 5}, {ONE: 6}]


async def test_a_partition_that_comes_back_is_committed_anew() -> None:
    committer, consumer, _ = a_committer()
    await committer.commit({ONE: 5, TWO: 5}, deadline_s=1)
    committer.keep_only({TWO})
    await committer.commit({ONE: 3, TWO: 5}, deadline_s=1)
    assert consumer.commits[1:] == [{ONE: 3}]
