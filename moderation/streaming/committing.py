"""Committing what was acked, and nothing else."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import structlog
from aiokafka.errors import IllegalStateError, KafkaError

from moderation.streaming.transport import Partition

log = structlog.get_logger(__name__)


class OffsetCommits(Protocol):
    """Where offsets are committed: the worker's consumer."""

    async def commit_offsets(self, offsets: Mapping[Partition, int]) -> None:
        """Commit the offset of the next message to be read, per partition; raises what aiokafka raises."""
        ...


class Committer:
    """Commits offsets one request at a time. A commit that fails costs a redelivery, and is made good by the next."""

    def __init__(self, consumer: Callable[[], OffsetCommits], *, on_commit: Callable[[bool], None]) -> None:
        """`on_commit` is told whether a commit succeeded."""
        self._consumer = consumer
        self._on_commit = on_commit
        self._turn = asyncio.Lock()
        self._committed: dict[Partition, int] = {}

    @property
    def committed(self) -> dict[Partition, int]:
        """What a successor would read first, per partition, as far as this worker committed it."""
        return dict(self._committed)

    def keep_only(self, partitions: Iterable[Partition]) -> None:
        """Other partitions were taken away: others commit there."""
        kept = set(partitions)
        self._committed = {p: offset for p, offset in self._committed.items() if p in kept}

    async def commit(self, offsets: Mapping[Partition, int], *, deadline_s: float) -> None:
        """Commit what has moved. Never raises."""
        async with self._turn:
            moved = {p: offset for p, offset in offsets.items() if offset > self._committed.get(p, 0)}
            if not moved:
                return
            try:
                async with asyncio.timeout(deadline_s):
                    await self._consumer().commit_offsets(moved)
            except (KafkaError, IllegalStateError, OSError, TimeoutError) as error:
                log.warning("commit_failed", error=type(error).__name__, partitions=len(moved))
                self._on_commit(False)
            else:
                self._committed |= moved
                self._on_commit(True)

    async def run(
        self, offsets: Callable[[], Mapping[Partition, int]], *, interval_s: float, deadline_s: float
    ) -> None:
        """Commit at intervals, until cancelled."""
        while True:
            await asyncio.sleep(interval_s)
            await self.commit(offsets(), deadline_s=deadline_s)
