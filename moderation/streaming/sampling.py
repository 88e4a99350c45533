"""Takes the samples that supervision judges: asks the consumer, the broker and the system, each within bounds."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Generic, Protocol, TypeVar

import structlog

from moderation.streaming.process_memory import ProcessMemory
from moderation.streaming.supervision import PartitionSample, WorkerSample
from moderation.streaming.transport import FetchState, Partition

T = TypeVar("T")

log = structlog.get_logger(__name__)


class ConsumerView(Protocol):
    """What is asked of the worker's consumer. Both may raise anything, or never return."""

    async def fetch_states(self) -> dict[Partition, FetchState]:
        """How far each assigned partition was read."""
        ...

    async def end_offsets(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """The offset of the next message to be written, as the broker says now."""
        ...


class WorkerSampler:
    """Samples one worker."""

    def __init__(
        self, consumer: ConsumerView, memory: ProcessMemory, *, spare: Partition, answer_deadline_s: float
    ) -> None:
        """`spare` is asked for when nothing is assigned, to know whether the broker is there."""
        self._consumer = consumer
        self._memory = memory
        self._spare = spare
        self._states = _Question[dict[Partition, FetchState]](answer_deadline_s)
        self._ends = _Question[dict[Partition, int]](answer_deadline_s)
        self._assigned: list[Partition] = []

    async def sample(self, *, committable: Mapping[Partition, int], is_intake_paused: bool) -> WorkerSample:
        """The worker now; takes no longer than the deadline for answers. `committable` is the offset to commit.

        Never raises, save for being cancelled.
        """
        states, ends, memory_bytes = await asyncio.gather(
            self._states.answer(self._consumer.fetch_states),
            self._ends.answer(lambda: self._consumer.end_offsets(self._assigned or [self._spare])),
            asyncio.to_thread(self._memory.by_role),
        )
        if states is not None:
            self._assigned = list(states)
        return WorkerSample(
            partitions={
                partition: PartitionSample(
                    position=state.position,
                    end=(ends or {}).get(partition),
                    last_fetched=state.last_fetched,
                    committable=committable.get(partition),
                    answered=state.answered_ms,
                )
                for partition, state in (states or {}).items()
            },
            consumer_answered=states is not None,
            broker_answered=ends is not None,
            is_intake_paused=is_intake_paused,
            memory_bytes=memory_bytes,
        )


class _Question(Generic[T]):
    """A question that is asked again and again, never twice at a time.

    One that was not answered in time is awaited further: the client retries it by itself, and each that is open takes
    one of the two places in the consumer's thread.
    """

    def __init__(self, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self._open: asyncio.Task[T] | None = None

    async def answer(self, ask: Callable[[], Coroutine[Any, Any, T]]) -> T | None:
        """The answer; None when it failed or did not come in time."""
        task = self._open = self._open or asyncio.create_task(ask())
        answered, _ = await asyncio.wait({task}, timeout=self._deadline_s)
        if not answered:
            return None
        self._open = None
        if task.cancelled() or (error := task.exception()) is not None:
            log.debug("question_failed", error="cancelled" if task.cancelled() else type(error).__name__)
            return None
        return task.result()
