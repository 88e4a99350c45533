"""Sends hostile messages as fast as the worker takes them, or as told."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from itertools import cycle, islice

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from loadtest.hostile_batches import COMPRESSIONS, batch_of
from loadtest.hostile_corpus import HostileCorpus
from loadtest.hostile_forge import HostileMessage
from loadtest.hostile_ledger import Ledger, checksum_of_envelope

BATCH_MESSAGES = 100
"""The embedded broker slows down with the number of batches in a partition."""
_IN_FLIGHT = 24
_PAUSE_S = 0.1


class HostileSender:
    """Sends a number of messages of a corpus once. `sent` and `ends` tell how far it is."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        corpus: HostileCorpus,
        ledger: Ledger,
        *,
        topic: str,
        partitions: int,
        may_send: Callable[[], bool],
        rate: float | None = None,
    ) -> None:
        """`may_send` is asked before each batch; `rate` is messages a second, None for no limit."""
        self._producer = producer
        self._corpus = corpus
        self._ledger = ledger
        self._topic = topic
        self._partitions = partitions
        self._may_send = may_send
        self._rate = rate
        self._compressions = cycle(COMPRESSIONS)
        self._room = asyncio.Semaphore(_IN_FLIGHT)
        self.sent = 0
        self.sent_bytes = 0
        self.ends: dict[int, int] = {}
        """The offset after the last message that was confirmed, by partition."""

    async def send(self, messages: int) -> None:
        """Send, and return when all is confirmed."""
        waiting: defaultdict[int, list[HostileMessage]] = defaultdict(list)
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for message in islice(self._corpus, messages):
                partition = partition_of(message.envelope.place, self._partitions)
                waiting[partition].append(message)
                if len(waiting[partition]) >= BATCH_MESSAGES:
                    await self._permission(began)
                    group.create_task(self._send(partition, waiting.pop(partition)))
            for partition, rest in waiting.items():
                await self._permission(began)
                group.create_task(self._send(partition, rest))

    async def _permission(self, began: float) -> None:
        await self._room.acquire()
        while not self._may_send() or (  # noqa: ASYNC110  the worker tells nobody how far it is
            self._rate and self.sent > self._rate * (time.monotonic() - began)
        ):
            await asyncio.sleep(_PAUSE_S)

    async def _send(self, partition: int, messages: list[HostileMessage]) -> None:
        try:
            batch = batch_of([message.envelope for message in messages], next(self._compressions))
            confirmed = await (await self._producer.send_batch(batch, self._topic, partition=partition))
            self._ledger.sent(
                partition,
                confirmed.offset,
                ((message.case, checksum_of_envelope(message.envelope)) for message in messages),
            )
            self.ends[partition] = confirmed.offset + len(messages)
            self.sent += len(messages)
            self.sent_bytes += sum(len(message.envelope.value or b"") for message in messages)
        finally:
            self._room.release()


def partition_of(place: str, partitions: int) -> int:
    """Where Kafka's own partitioner puts an honest message with this key."""
    return int(murmur2(place.encode()) & 0x7FFFFFFF) % partitions
