"""The topic of resume marks: publishing to it, and reading it back at assignment."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from moderation.client.connection import kafka_arguments
from moderation.contracts.codecs import Codecs
from moderation.contracts.resume_mark import mark_key, stream_of
from moderation.errors import BrokerUnavailable, ConfigurationError, InvalidMessage
from moderation.events import ResumeMark
from moderation.settings import Settings
from moderation.streaming.marks import MarkRecord, StreamKey
from moderation.streaming.publishing import Publisher
from moderation.streaming.transport import Partition

POLL_MS = 200

log = structlog.get_logger(__name__)


class MarkTopic:
    """Writes marks as `ResumeMarks` wants it, and reads what was written since the last time."""

    def __init__(self, settings: Settings, publisher: Publisher, codecs: Codecs) -> None:
        self._settings = settings
        self._publisher = publisher
        self._codec = codecs.resume_marks
        self._topic = settings.streaming.resume_marks_topic
        self._read_to: dict[int, int] = {}

    async def mark(self, partition: Partition, mark: ResumeMark) -> None:
        """Publish a mark; returns when the broker has confirmed it, raises BrokerUnavailable."""
        try:
            value = self._codec.encode(mark)
        except InvalidMessage as invalid:
            # No message is worth a worker: without the mark an utterance may be told twice after a crash.
            log.error("mark_not_kept", code=invalid.code.value)  # noqa: TRY400  a traceback may hold what was said
            return
        await self._publish(partition, mark_key(mark.tenant_id, mark.stream_id), value)

    async def unmark(self, partition: Partition, stream: StreamKey) -> None:
        """Publish a tombstone; returns when the broker has confirmed it, raises BrokerUnavailable."""
        await self._publish(partition, mark_key(*stream), None)

    async def _publish(self, partition: Partition, key: bytes, value: bytes | None) -> None:
        await self._publisher.publish(self._topic, key=key, value=value, headers={}, partition=partition[1])

    def keep_only(self, audio: Iterable[Partition]) -> None:
        """Other partitions were taken away: when they come back they are read from the beginning."""
        kept = {number for _, number in audio}
        self._read_to = {number: offset for number, offset in self._read_to.items() if number in kept}

    async def read(self, audio: Iterable[Partition]) -> list[MarkRecord]:
        """What was written for these audio partitions since they were read last, oldest first per partition.

        Raises:
            ConfigurationError: the topic has fewer partitions than the audio has, or does not exist.
            BrokerUnavailable: it could not be read within the retry deadline.
        """
        partitions = {number: (topic, number) for topic, number in audio}
        deadline_s = self._settings.streaming.retry_deadline_s
        try:
            async with asyncio.timeout(deadline_s), self._consumer() as consumer:
                await self._require(consumer, partitions)
                return [record async for record in self._records(consumer, partitions)]
        except (KafkaError, OSError, TimeoutError) as error:
            raise BrokerUnavailable(
                f"the resume marks could not be read from {self._topic} within {deadline_s:.0f} s "
                f"({type(error).__name__}); check the broker, restart the worker"
            ) from None

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        kafka = self._settings.kafka
        consumer = AIOKafkaConsumer(
            **kafka_arguments(self._settings),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=kafka.fetch_max_wait_ms,
        )
        try:
            await consumer.start()
            yield consumer
        finally:
            await consumer.stop()

    async def _require(self, consumer: AIOKafkaConsumer, partitions: Iterable[int]) -> None:
        await consumer.topics()  # fetches the metadata that partitions_for_topic answers from
        existing = consumer.partitions_for_topic(self._topic) or set()
        if missing := set(partitions) - existing:
            raise ConfigurationError(
                f"the topic {self._topic} has {len(existing)} partitions and lacks {len(missing)} that "
                f"{self._settings.streaming.audio_topic} has; `moderation topics apply` sets both up alike"
            )

    async def _records(self, consumer: AIOKafkaConsumer, partitions: dict[int, Partition]) -> AsyncIterator[MarkRecord]:
        pending = {TopicPartition(self._topic, number) for number in partitions}
        consumer.assign(pending)
        for tp in pending:
            consumer.seek(tp, self._read_to.get(tp.partition, 0))
        while pending:
            batches = await consumer.getmany(*pending, timeout_ms=POLL_MS)
            for tp, messages in batches.items():
                for message in messages:
                    if record := self._record(partitions[tp.partition], message):
                        yield record
            for tp in list(pending):
                self._read_to[tp.partition] = position = await consumer.position(tp)
                # What a fetch says of the end is true; asked for it, the embedded broker leaves out the last batch.
                end = consumer.highwater(tp)
                if end is not None and position >= end:
                    pending.discard(tp)

    def _record(self, partition: Partition, message: Any) -> MarkRecord | None:
        try:
            stream = stream_of(message.key)
            mark = None if message.value is None else self._codec.decode(message.value)
        except InvalidMessage as invalid:
            # Whoever wrote it is no worker of ours; without the mark an utterance may be told twice.
            log.warning("mark_unreadable", code=invalid.code.value, partition=message.partition, offset=message.offset)
            return None
        return MarkRecord(partition=partition, stream=stream, mark=mark)
