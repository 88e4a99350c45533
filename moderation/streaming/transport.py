"""Faust's Kafka transport, with what a moderation worker needs of the consumer.

- The broker gathers what comes for a while before it answers: an answer costs about 1 ms of processor time, whatever
  is in it. While somebody speaks the while is short, for the sake of the verdict; while nobody does nothing is lost by
  a longer one. Faust fixes the wait at 1.5 s.
- The worker says which offsets are committed. Faust's own commits can pass a message that was never acked, and a commit
  that fails stops its application; here they do nothing, and a failed commit is the caller's to judge.
- Polls keep a distance, so that messages are taken several at a time, and what a poll brought is one message to Faust:
  most of what a message costs, Faust and its threads cost.
- Delivering it takes no tasks when it need not wait.
- How far the log was read can be asked: what `streaming.silence` and supervision conclude from.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import faust
import structlog
from aiokafka import OffsetAndMetadata, TopicPartition
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP
from faust.types.tuples import ConsumerMessage
from mode.services import WaitResults

from moderation.processes.cpu_time import name_thread
from moderation.streaming.eager import Finished, begin
from moderation.streaming.tolerant_records import read_tolerantly

Partition = tuple[str, int]
"""Topic and partition."""

log = structlog.get_logger(__name__)


class Poll(ConsumerMessage):  # type: ignore[misc]  # faust has no types here
    """What one poll brought, of all partitions, as one message to Faust. It has the place of the first of its records.

    Nothing of Faust's may conclude anything from its offset: the worker acks and commits by itself.
    """

    def __init__(self, records: Sequence[Any], generation: int) -> None:
        """`records` are aiokafka's, at least one; `generation` is that of the group when they were fetched."""
        first = records[0]
        place = TP(first.topic, first.partition)
        super().__init__(*place, first.offset, None, None, (), b"", b"", None, 0, 0, place, generation_id=generation)
        self.records = records


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
        self._polling: asyncio.Task[Any] | None = None
        self._next_poll_s = 0.0

    def _create_worker_consumer(self, transport: Any) -> Any:
        read_tolerantly(transport.app.max_unpacked_batch_bytes)
        consumer = super()._create_worker_consumer(transport)
        # aiokafka reads the values when it starts; Faust offers no other way.
        consumer._fetch_min_bytes = transport.app.gather_bytes  # noqa: SLF001
        consumer._fetch_max_wait_ms = transport.app.gather_ms  # noqa: SLF001
        return consumer

    def gather(self, longest_ms: int) -> None:
        """Let the broker gather so long before it answers, from the next fetch on."""
        fetcher = getattr(self._consumer, "_fetcher", None)
        if fetcher is not None:
            fetcher._fetch_max_wait_ms = longest_ms  # noqa: SLF001

    async def on_thread_started(self) -> None:
        """Tell the system which thread this is."""
        name_thread("consumer")
        await super().on_thread_started()

    async def on_thread_stop(self) -> None:
        """Stop the client."""
        if self._polling is not None:
            self._polling.cancel()
        await self._stop_joining()
        await super().on_thread_stop()

    async def _stop_joining(self) -> None:
        """aiokafka would wait until the group has gathered, for up to the rebalance timeout, only to leave it then."""
        coordinator = getattr(self._consumer, "_coordinator", None)
        joining = getattr(coordinator, "_coordination_task", None)
        if joining is not None:
            joining.cancel()
            await asyncio.wait({joining})

    async def poll(self, partitions: set[TP], *, timeout_s: float, interval_s: float) -> Poll | None:
        """What came of these partitions since the poll before, at least so long ago; None when nothing does in time."""
        # mode's own way of calling into the thread takes nine tasks a call.
        asked = asyncio.run_coroutine_threadsafe(self._poll(partitions, timeout_s, interval_s), self.thread_loop)
        return await asyncio.wrap_future(asked)

    async def _poll(self, partitions: set[TP], timeout_s: float, interval_s: float) -> Poll | None:
        self._polling = asyncio.current_task()
        await asyncio.sleep(max(0.0, self._next_poll_s - time.monotonic()))
        consumer = self._ensure_consumer()
        fetched = await self._fetch_records(consumer, partitions, timeout_s, consumer._max_poll_records)  # noqa: SLF001
        # Nothing has run between the taking of the records and this: they are of this generation.
        generation = self.app.consumer_generation_id
        self._next_poll_s = time.monotonic() + interval_s
        records = [record for of_partition in fetched.values() for record in of_partition]
        for partition, of_partition in fetched.items():
            if of_partition:
                self._last_fetched[partition.topic, partition.partition] = of_partition[-1].offset
        return Poll(records, generation) if records else None

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

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Poll]]:  # noqa: ASYNC109  Faust's signature
        """One poll, as one message at the most."""
        poll, _ = await self._wait_next_records(timeout)
        if not self.flow_active:
            # A rebalance has begun: what was taken is read again.
            await self._seek_back()
        elif poll and not self.should_stop and poll.generation_id == self.app.consumer_generation_id:
            yield poll.tp, poll

    async def _seek_back(self) -> None:
        try:
            await self.perform_seek()
        except Exception as error:  # noqa: BLE001  as Faust does: the rebalance that is under way seeks too
            log.warning("seek_failed", error=type(error).__name__)

    async def _getmany(self, active_partitions: set[TP], timeout: float) -> Poll | None:  # noqa: ASYNC109
        thread: WorkerConsumerThread = self._thread
        return await thread.poll(active_partitions, timeout_s=timeout, interval_s=self.app.poll_interval_s)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: which offsets lie between two polls is not Faust's to remember."""

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: the worker has a supervision of its own, and Faust's sees no single messages."""

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

    def gather(self, *, quiet: bool) -> None:
        """Whether nobody speaks: how long the broker may gather chunks."""
        self._thread.gather(self.app.quiet_gather_ms if quiet else self.app.gather_ms)

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
        gather_bytes: int,
        gather_ms: int,
        quiet_gather_ms: int,
        poll_interval_s: float,
        max_unpacked_batch_bytes: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.gather_bytes = gather_bytes
        self.gather_ms = gather_ms
        self.quiet_gather_ms = quiet_gather_ms
        self.poll_interval_s = poll_interval_s
        self.max_unpacked_batch_bytes = max_unpacked_batch_bytes

    def _new_transport(self) -> WorkerTransport:
        return WorkerTransport(self.conf.broker_consumer, self)
