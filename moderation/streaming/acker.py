"""Acks strictly in order, one acker per partition.

Faust may commit past a message that was never acked when acks come out of order around an offset gap, a fresh group or
a revoke (faust-streaming #606). So an ack reaches Faust only from the contiguous head of what was received, and never
after the partition was revoked.
"""

from collections import deque
from collections.abc import Callable

from moderation.errors import InvariantViolation


class AckHandle:
    """The right to ack one message, once everything that derives from it is confirmed by the broker."""

    __slots__ = ("_acker", "_is_done", "offset")

    def __init__(self, acker: "OrderedAcker", offset: int) -> None:
        self._acker = acker
        self._is_done = False
        self.offset = offset

    @property
    def is_done(self) -> bool:
        """Whether the message is finished."""
        return self._is_done

    def done(self) -> None:
        """The message is finished. Harmless when called twice, or after the partition was revoked."""
        if not self._is_done:
            self._is_done = True
            self._acker.settle()


class OrderedAcker:
    """The messages of one partition that were received and not yet acked, oldest first."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[AckHandle, Callable[[], object]]] = deque()
        self._last_offset = -1
        self._is_fenced = False
        self.acked_through = -1
        """Offset of the last message acked, -1 before the first."""

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def oldest_waiting_offset(self) -> int | None:
        """The offset that holds the commit back, None when nothing does."""
        return self._waiting[0][0].offset if self._waiting else None

    def has_taken(self, offset: int) -> bool:
        """Whether the message was tracked before: delivered again, it is in hand or acked already."""
        return offset <= self.acked_through or any(handle.offset == offset for handle, _ in self._waiting)

    def track(self, offset: int, ack: Callable[[], object]) -> AckHandle:
        """Take a message in; `ack` is called once, in offset order, when it and all before it are done.

        Raises:
            InvariantViolation: messages of one partition must be tracked in ascending order.
        """
        if offset <= self._last_offset:
            raise InvariantViolation(f"offset {offset} was tracked after {self._last_offset}")
        self._last_offset = offset
        handle = AckHandle(self, offset)
        self._waiting.append((handle, ack))
        return handle

    def settle(self) -> None:
        """Ack the contiguous head of finished messages."""
        while self._waiting and self._waiting[0][0].is_done and not self._is_fenced:
            handle, ack = self._waiting.popleft()
            ack()
            self.acked_through = handle.offset

    def fence(self) -> None:
        """The partition is no longer ours: whatever finishes from now on is never acked."""
        self._is_fenced = True
        self._waiting.clear()
