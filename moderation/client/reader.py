"""Read the events of a topic, without a consumer group: nothing is committed, any number may read."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition

from moderation.client.admin import missing_topics
from moderation.client.connection import connected, kafka_arguments
from moderation.contracts.codecs import load_codecs
from moderation.errors import ConfigurationError, InvalidMessage
from moderation.events import AudioChunk, DeadLetter, ModerationFlag, Transcript
from moderation.settings import Settings

_POLL_MS = 500

E = TypeVar("E")
Event = TypeVar("Event", covariant=True)  # noqa: PLC0105  one letter less to read


class Decoder(Protocol[Event]):
    """Bytes to an event, as the codecs do it."""

    def decode(self, value: bytes | None) -> Event:
        """The event in a message's value, or InvalidMessage."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Received(Generic[E]):
    """An event with its place in the log and what came with it."""

    event: E
    topic: str
    partition: int
    offset: int
    timestamp: datetime
    key: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecodable:
    """A message that holds no event of the topic's kind, and why."""

    topic: str
    partition: int
    offset: int
    reason: InvalidMessage


class EventReader(Generic[E]):
    """The events of a topic: an asynchronous context manager to iterate over, once.

    Without `follow` it ends with what was there when it was entered; with it, it goes on for ever. From `beginning`
    it starts with the oldest message kept, otherwise with what arrives after it was entered. Order holds within a
    partition, so among events with the same key. Partitions added while it reads are not seen.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        topic: str,
        decoder: Decoder[E],
        follow: bool = False,
        beginning: bool | None = None,
        on_undecodable: Callable[[Undecodable], None] | None = None,
    ) -> None:
        """`beginning` None: from the beginning unless it follows. `on_undecodable` is told of what is skipped."""
        self._settings = settings
        self._topic = topic
        self._decoder = decoder
        self._follow = follow
        self._beginning = not follow if beginning is None else beginning
        self._on_undecodable = on_undecodable
        self._stack = AsyncExitStack()
        self._consumer: AIOKafkaConsumer | None = None
        self._ends: dict[TopicPartition, int] = {}

    @classmethod
    def flags(cls, settings: Settings, **options: Any) -> "EventReader[ModerationFlag]":
        """A reader of flags; the options are those of the constructor."""
        codec = load_codecs(settings).flags
        return EventReader(settings, topic=settings.streaming.flags_topic, decoder=codec, **options)

    @classmethod
    def transcripts(cls, settings: Settings, **options: Any) -> "EventReader[Transcript]":
        """A reader of transcripts; the options are those of the constructor."""
        codec = load_codecs(settings).transcripts
        return EventReader(settings, topic=settings.streaming.transcripts_topic, decoder=codec, **options)

    @classmethod
    def dead_letters(cls, settings: Settings, **options: Any) -> "EventReader[DeadLetter]":
        """A reader of dead letters; the options are those of the constructor."""
        codec = load_codecs(settings).dead_letters
        return EventReader(settings, topic=settings.streaming.dead_letters_topic, decoder=codec, **options)

    @classmethod
    def audio(cls, settings: Settings, **options: Any) -> "EventReader[AudioChunk]":
        """A reader of audio chunks; the options are those of the constructor."""
        codec = load_codecs(settings).audio_chunks
        return EventReader(settings, topic=settings.streaming.audio_topic, decoder=codec, **options)

    async def __aenter__(self) -> Self:
        """Connect, and fix where to start and, unless following, where to end.

        Raises:
            ConfigurationError: no broker can be reached, or the topic does not exist.
        """
        consumer = AIOKafkaConsumer(
            **kafka_arguments(self._settings),
            group_id=None,
            enable_auto_commit=False,
            fetch_max_wait_ms=self._settings.kafka.fetch_max_wait_ms,
            max_partition_fetch_bytes=self._settings.kafka.max_message_bytes,
        )
        try:
            self._consumer = await self._stack.enter_async_context(connected(consumer, self._settings, consumer.stop))
            await self._place(self._consumer)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer = None
        await self._stack.aclose()

    async def __aiter__(self) -> AsyncIterator[E]:
        """The events; what cannot be decoded is skipped, and told to `on_undecodable`."""
        async for received in self.received():
            if isinstance(received, Received):
                yield received.event
            elif self._on_undecodable:
                self._on_undecodable(received)

    async def received(self) -> AsyncIterator[Received[E] | Undecodable]:
        """Every message, decoded or not, with its place in the log."""
        consumer = self._consumer
        if consumer is None:
            raise ConfigurationError("the reader is not connected; use it in an `async with` block")
        open_partitions = set(self._ends)
        while open_partitions:
            batches = await consumer.getmany(timeout_ms=_POLL_MS)
            for partition, messages in batches.items():
                for message in messages:
                    if self._follow or message.offset < self._ends[partition]:
                        yield self._decoded(message)
            if not self._follow:
                open_partitions = {p for p in open_partitions if await consumer.position(p) < self._ends[p]}

    async def _place(self, consumer: AIOKafkaConsumer) -> None:
        # Asking for the partitions of a topic that does not exist creates it on some brokers: ask for all topics.
        if self._topic not in await consumer.topics():
            raise missing_topics(self._settings, [self._topic])
        partitions = [TopicPartition(self._topic, number) for number in consumer.partitions_for_topic(self._topic)]
        consumer.assign(partitions)
        oldest = await consumer.beginning_offsets(partitions)
        self._ends = await _ends(consumer, oldest)
        starts = oldest if self._beginning else self._ends
        for partition, offset in starts.items():
            consumer.seek(partition, offset)

    def _decoded(self, message: Any) -> Received[E] | Undecodable:
        try:
            event = self._decoder.decode(message.value)
        except InvalidMessage as reason:
            return Undecodable(topic=message.topic, partition=message.partition, offset=message.offset, reason=reason)
        return Received(
            event=event,
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            timestamp=datetime.fromtimestamp(message.timestamp / 1000, UTC),
            key=message.key,
            headers=tuple(message.headers),
        )


async def _ends(consumer: AIOKafkaConsumer, oldest: dict[TopicPartition, int]) -> dict[TopicPartition, int]:
    """Where the assigned partitions end now. Moves the consumer.

    The embedded broker answers with the second offset of a partition's last batch, however many messages that has: the
    last batch itself says where it ends.
    """
    ends: dict[TopicPartition, int] = await consumer.end_offsets(list(oldest))
    pending = {partition for partition, end in ends.items() if end > oldest[partition]}
    for partition in pending:
        consumer.seek(partition, ends[partition] - 1)
    while pending:
        await consumer.getmany(*pending, timeout_ms=_POLL_MS)
        for partition in list(pending):
            if (position := await consumer.position(partition)) >= ends[partition]:
                ends[partition] = position
                pending.discard(partition)
    return ends
