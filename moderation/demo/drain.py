"""Knowing when the worker has finished what it was sent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from moderation.client.connection import connected, kafka_arguments
from moderation.clock import Clock
from moderation.errors import TransientError
from moderation.settings import Settings

_POLL_S = 0.2


def unfinished(ends: Mapping[TopicPartition, int], committed: Mapping[TopicPartition, int]) -> int:
    """Messages between what a group committed and the ends of the partitions; nothing committed counts from 0."""
    return sum(max(0, end - max(0, committed.get(partition, 0))) for partition, end in ends.items())


async def until_finished(
    remaining: Callable[[], Awaitable[int]],
    *,
    deadline_s: float,
    clock: Clock,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> int:
    """Ask again and again how many messages remain, until none does or the time is up. Returns: how many remain."""
    started_s = clock.monotonic_s()
    while (left := await remaining()) and clock.monotonic_s() - started_s < deadline_s:
        await sleep(_POLL_S)
    return left


@asynccontextmanager
async def counting_unfinished(settings: Settings) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """A question to ask again and again: how many chunks the workers' group has not committed.

    What is committed was published before.

    Raises:
        ConfigurationError: the broker cannot be reached.
        TransientError: it was, and fails to answer now.
    """
    arguments = kafka_arguments(settings)
    topic, group = settings.streaming.audio_topic, settings.streaming.group_id
    reader, asker = AIOKafkaConsumer(**arguments), AIOKafkaAdminClient(**arguments)
    async with (
        connected(reader, settings, reader.stop) as consumer,
        connected(asker, settings, asker.close) as admin,
    ):
        await consumer.topics()  # asking for the partitions alone would create the topic on some brokers
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]

        async def count() -> int:
            try:
                # Named one by one: the embedded broker's answer to "all" cannot be read.
                offsets = await admin.list_consumer_group_offsets(group, partitions=partitions)
                ends = await consumer.end_offsets(partitions)
            except KafkaError as error:
                raise TransientError(f"the broker did not tell its offsets ({type(error).__name__})") from None
            return unfinished(ends, {partition: offset.offset for partition, offset in offsets.items()})

        yield count
