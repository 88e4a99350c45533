"""Faust's Kafka transport, with what a moderation worker needs of the consumer.

- Fetches wait no longer than told. Faust fixes the longest wait at 1.5 s: Apache Kafka answers as soon as there is
  data, but a broker that fills the wait (the embedded one does) adds 0.4 s to every verdict at the median.
- The worker says which offsets are committed. Faust's own commits can pass a message that was never acked, and a commit
  that fails stops its application; here they do nothing, and a failed commit is the caller's to judge.
- Polls keep a distance, so that messages are taken several at a time.
- Delivering a message that need not wait takes no tasks.
- How far the log was read can be asked: what `streaming.silence` and supervision conclude from.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import faust
from aiokafka import OffsetAndMetadata, TopicPartition
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP
from mode.services import WaitResults

from moderation.streaming.eager import Finished, begin
from moderation.streaming.tolerant_records import read_tolerantly

Partition = tuple[str, int]
"""Topic and partition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchState:
    """How far the consumer has come in a partition."""

    position: int
    """The offset that is read next."""
    highwater: int | None
    """The end of the log when a fetch was answered last; None before the first answer."""
    answered_ms: int | None
    """A stamp that changes with every answer of the broker to a fetch; None before the first."""
    last_fetched: int | None
    """Offset of the last message handed on, None before the first. Control records have offsets and stay behind."""


class WorkerConsumerThread(AIOKafkaConsumerThread):  # type: ignore[misc]  # faust has no types here
    """Runs the aiokafka client of a worker."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._last_fetched: dict[Partition, int] = {}

    def _create_worker_consumer(self, transport: Any) -> Any:
        read_tolerantly(transport.app.max_unpacked_batch_bytes)
        consumer = super()._create_worker_consumer(transport)
        # aiokafka reads the value when it starts; Faust offers no other way.
        consumer._fetch_max_wait_ms = transport.app.fetch_max_wait_ms  # noqa: SLF001
        return consumer

    async def on_thread_stop(self) -> None:
        """Stop the client."""
        await self._stop_joining()
        await super().on_thread_stop()

    async def _stop_joining(self) -> None:
        """aiokafka would wait until the group has gathered, for up to the rebalance timeout, only to leave it then."""
        coordinator = getattr(self._consumer, "_coordinator", None)
        joining = getattr(coordinator, "_coordination_task", None)
        if joining is not None:
            joining.cancel()
            await asyncio.wait({joining})

    async def _fetch_records(self, *args: Any, **kwargs: Any) -> Any:
        fetched = await super()._fetch_records(*args, **kwargs)
        for partition, records in fetched.items():
            if records:
                self._last_fetched[partition.topic, partition.partition] = records[-1].offset
        return fetched

    async def commit_offsets(self, offsets: Mapping[Partition, int]) -> None:
        """Commit; raises what aiokafka raises."""
        await self.call_thread(self._commit_offsets, offsets)

    async def _commit_offsets(self, offsets: Mapping[Partition, int]) -> None:
        await self._ensure_consumer().commit(
            {TopicPartition(*partition): OffsetAndMetadata(offset, "") for partition, offset in offsets.items()}
        )

    async def fetch_states(self) -> dict[Partition, FetchState]:
        """The state of every assigned partition whose position is known."""
        return dict(await self.call_thread(self._fetch_states))

    async def _fetch_states(self) -> dict[Partition, FetchState]:
        consumer = self._ensure_consumer()
        subscription = consumer._subscription.subscription  # noqa: SLF001  the public calls wait for a position
        if subscription is None or subscription.assignment is None:
            return {}
        states = {}
        for partition in subscription.assignment.tps:
            state = subscription.assignment.state_value(partition)
            if state is not None and state.has_valid_position:
                key = (partition.topic, partition.partition)
                states[key] = FetchState(
                    position=state.position,
                    highwater=state.highwater,
                    answered_ms=state.timestamp,
                    last_fetched=self._last_fetched.get(key),
                )
        return states

    def forget_fetched(self, partitions: Iterable[Partition]) -> None:
        """The partitions are about to be read anew, from their commits."""
        for partition in partitions:
            self._last_fetched.pop(partition, None)


class WorkerConsumer(Consumer):  # type: ignore[misc]
    """Faust's consumer, whose offsets the worker commits."""

    _next_poll_s = 0.0

    async def _getmany(self, active_partitions: Any, timeout: float) -> Any:  # noqa: ASYNC109  Faust's signature
        # Each poll wakes two threads, whether it brings one message or two hundred.
        await asyncio.sleep(max(0.0, self._next_poll_s - time.monotonic()))
        records = await super()._getmany(active_partitions, timeout)
        self._next_poll_s = time.monotonic() + self.app.poll_interval_s
        return records

    def _new_consumer_thread(self) -> WorkerConsumerThread:
        return WorkerConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def wait_first(self, *waited: Any, **options: Any) -> WaitResults:
        """As mode has it, for a message that need not wait without the four tasks that its race would take.

        Faust races the delivery of each message against the suspension of the flow: half of what a message costs.
        """
        first, *others = waited
        if not asyncio.iscoroutine(first) or self.should_stop:
            return await super().wait_first(*waited, **options)
        begun = begin(first)
        if not isinstance(begun, Finished):
            return await super().wait_first(begun, *others, **options)
        for other in others:
            if asyncio.iscoroutine(other):
                other.close()
        return WaitResults([first], [begun.result], stopped=False)

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002
        """Nothing: Faust would commit what it believes to be acked."""
        return False

    async def commit_offsets(self, offsets: Mapping[Partition, int]) -> None:
        """Commit the offset of the next message to be read, per partition.

        Raises:
            KafkaError: the broker refused, or did not answer.
            IllegalStateError: a partition is not assigned any more.
        """
        await self._thread.commit_offsets(offsets)

    async def fetch_states(self) -> dict[Partition, FetchState]:
        """How far each assigned partition was read."""
        return dict(await self._thread.fetch_states())

    async def end_offsets(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """The offset of the next message to be written, as the broker says now.

        Raises:
            KafkaError: the broker did not answer.
        """
        ends = await self.highwaters(*(TP(*partition) for partition in partitions))
        return {(tp.topic, tp.partition): end for tp, end in ends.items()}

    def forget_fetched(self, partitions: Iterable[Partition]) -> None:
        """The partitions are about to be read anew, from their commits."""
        self._thread.forget_fetched(partitions)


class WorkerTransport(Transport):  # type: ignore[misc]
    """Consumes with a WorkerConsumer; produces as Faust does."""

    Consumer = WorkerConsumer


class WorkerApp(faust.App):  # type: ignore[misc]
    """A Faust application with what Faust has no settings for."""

    def __init__(
        self,
        *args: Any,
        fetch_max_wait_ms: int,
        poll_interval_s: float,
        max_unpacked_batch_bytes: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fetch_max_wait_ms = fetch_max_wait_ms
        self.poll_interval_s = poll_interval_s
        self.max_unpacked_batch_bytes = max_unpacked_batch_bytes

    def _new_transport(self) -> WorkerTransport:
        return WorkerTransport(self.conf.broker_consumer, self)
