"""The ledger of replays on the broker: what was replayed, and by whom a letter is held."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.partitioner import DefaultPartitioner

from moderation.client.letters import Letter
from moderation.client.reader import EventReader, Received
from moderation.client.replay_state import ReplayStates
from moderation.contracts.codecs import load_codecs
from moderation.contracts.replay import DeadLetterReplay, ReplayState, entry_key
from moderation.errors import InvalidMessage
from moderation.settings import Settings

_POLL_MS = 200

Send = Callable[..., Any]
"""`await send(topic, value, key=, partition=)` returns once the broker has confirmed the message."""


def ledger_partition(letter_id: str, partitions: Iterable[int]) -> int:
    """Where all entries about a letter lie, whatever their keys."""
    numbers = sorted(partitions)
    partition: int = DefaultPartitioner()(letter_id.encode(), numbers, numbers)
    return partition


async def read_replays(settings: Settings) -> ReplayStates:
    """What the ledger says now.

    Raises:
        ConfigurationError: no broker can be reached, or the ledger's topic does not exist.
    """
    states = ReplayStates(claim_s=settings.streaming.replay_claim_s)
    topic, codec = settings.streaming.replays_topic, load_codecs(settings).replays
    reader: EventReader[DeadLetterReplay] = EventReader(settings, topic=topic, decoder=codec)
    async with reader:
        async for item in reader.received():
            if isinstance(item, Received):
                states.apply(item.event)
    return states


class ReplayLedger:
    """The ledger as one run of the replay uses it. `consumer` is connected and belongs to it."""

    def __init__(self, settings: Settings, consumer: AIOKafkaConsumer, send: Send, run_id: str) -> None:
        self._topic = settings.streaming.replays_topic
        self._codec = load_codecs(settings).replays
        self._consumer = consumer
        self._send = send
        self._run_id = run_id
        self._states = ReplayStates(claim_s=settings.streaming.replay_claim_s)
        self._partitions: list[TopicPartition] = []

    async def claim(self, letters: Iterable[Letter], now: datetime) -> None:
        """Reserve letters, and learn of everything that was written before; `holds` and `was_replayed` then say.

        Raises:
            TransientError: the broker did not confirm in time.
        """
        await self._open()
        await asyncio.gather(*(self._write(letter, ReplayState.CLAIMED, now) for letter in letters))
        await self._catch_up()

    def holds(self, letter: Letter, now: datetime) -> bool:
        """Whether this run, and so no other, may publish the letter."""
        return bool(self._states.claimed_by(self._run_id, (letter.letter_id,), now))

    def was_replayed(self, letter: Letter) -> bool:
        """Whether any run has published the letter."""
        return self._states.was_replayed(letter.letter_id)

    async def replayed(self, letter: Letter, now: datetime) -> None:
        """The broker has confirmed the letter in its source topic.

        Raises:
            TransientError: the broker did not confirm in time: another run would publish the letter again.
        """
        await self._write(letter, ReplayState.REPLAYED, now)

    async def release(self, letters: Iterable[Letter], now: datetime) -> None:
        """Letters that are held will not be published after all."""
        held = [letter for letter in letters if self.holds(letter, now)]
        await asyncio.gather(*(self._write(letter, ReplayState.RELEASED, now) for letter in held))

    async def _write(self, letter: Letter, state: ReplayState, now: datetime) -> None:
        entry = DeadLetterReplay(
            dead_letter_id=letter.letter_id,
            state=state,
            run_id=self._run_id,
            topic=letter.topic,
            partition=letter.partition,
            offset=letter.offset,
            stated_at=now,
        )
        numbers = [partition.partition for partition in self._partitions]
        partition = ledger_partition(letter.letter_id, numbers)
        await self._send(self._topic, self._codec.encode(entry), key=entry_key(entry), partition=partition)
        if state is not ReplayState.CLAIMED:
            self._states.apply(entry)

    async def _open(self) -> None:
        if self._partitions:
            return
        consumer = self._consumer
        await consumer.topics()  # asks for the partitions of all
        numbers = sorted(consumer.partitions_for_topic(self._topic))
        self._partitions = [TopicPartition(self._topic, number) for number in numbers]
        consumer.assign(self._partitions)
        for partition, start in (await consumer.beginning_offsets(self._partitions)).items():
            consumer.seek(partition, start)

    async def _catch_up(self) -> None:
        consumer = self._consumer
        ends = await consumer.end_offsets(self._partitions)
        while any([await consumer.position(p) < end for p, end in ends.items()]):
            for messages in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
                for message in messages:
                    self._take(message.value)

    def _take(self, value: bytes | None) -> None:
        try:
            self._states.apply(self._codec.decode(value))
        except InvalidMessage:
            return  # a tombstone, or not ours
