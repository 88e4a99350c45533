"""What of a partition is finished: one acker per partition, strictly in order of offset.

The offset to commit is that behind the contiguous head of finished messages, whatever finished further on, and nothing
moves after the partition was revoked. Faust's own bookkeeping is not used: around offset gaps, a fresh group or a
revoke it can commit past a message that was never acked (faust-streaming #606).
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol

from moderation.errors import InvariantViolation


class Holder(Protocol):
    """What keeps a message from being finished: the session of its stream."""

    def close_early(self) -> None:
        """Close the open utterance as soon as nothing else is under way."""
        ...


class AckHandle:
    """The right to ack one message, once everything that derives from it is confirmed by the broker."""

    __slots__ = ("_acker", "_is_done", "holder", "offset", "tracked_s")

    def __init__(self, acker: "OrderedAcker", offset: int, tracked_s: float) -> None:
        self._acker = acker
        self._is_done = False
        self.offset = offset
        self.tracked_s = tracked_s
        """Monotonic time at which it was taken in."""
        self.holder: Holder | None = None

    @property
    def is_done(self) -> bool:
        """Whether the message is finished."""
        return self._is_done

    def done(self) -> None:
        """The message is finished. Harmless when called twice, or after the partition was revoked."""
        if not self._is_done:
            self._is_done = True
            self.holder = None
            self._acker.settle()


class OrderedAcker:
    """The messages of one partition that were received and are not finished, oldest first.

    `on_progress` is told whenever the offset to commit moved.
    """

    def __init__(self, *, on_progress: Callable[[], None]) -> None:
        self._on_progress = on_progress
        self._waiting: deque[AckHandle] = deque()
        self._last_offset = -1
        self._is_fenced = False
        self.acked_through = -1
        """Offset of the last message acked, -1 before the first."""

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def oldest(self) -> AckHandle | None:
        """The message that holds the commit back, None when nothing does."""
        return self._waiting[0] if self._waiting else None

    def has_taken(self, offset: int) -> bool:
        """Whether the message was tracked before: delivered again, it is in hand or acked already."""
        return offset <= self._last_offset and (
            offset <= self.acked_through or any(handle.offset == offset for handle in self._waiting)
        )

    def track(self, offset: int, now_s: float) -> AckHandle:
        """Take a message in at a monotonic time.

        Raises:
            InvariantViolation: messages of one partition must be tracked in ascending order.
        """
        if offset <= self._last_offset:
            raise InvariantViolation(f"offset {offset} was tracked after {self._last_offset}")
        self._last_offset = offset
        handle = AckHandle(self, offset, now_s)
        self._waiting.append(handle)
        return handle

    def settle(self) -> None:
        """Pass the contiguous head of finished messages."""
        before = self.acked_through
        while self._waiting and self._waiting[0].is_done and not self._is_fenced:
            self.acked_through = self._waiting.popleft().offset
        if self.acked_through != before:
            self._on_progress()

    def fence(self) -> None:
        """The partition is no longer ours: whatever finishes from now on is never acked."""
        self._is_fenced = True
        self._waiting.clear()
