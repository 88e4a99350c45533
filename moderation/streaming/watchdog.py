"""Notices a worker that is alive and stuck: there is something to read, and nothing gets finished."""

from collections.abc import Mapping

from moderation.streaming.router import Partition


class ProgressWatchdog:
    """Judges samples of what was acked against what there is to read. Pure: it is told the time."""

    def __init__(self, *, stuck_after_s: float) -> None:
        self._stuck_after_s = stuck_after_s
        self._since_s: float | None = None
        self._seen: Mapping[Partition, int] = {}

    def is_stuck(self, now_s: float, *, acked: Mapping[Partition, int], end: Mapping[Partition, int]) -> bool:
        """Whether a partition has had messages to read, and no partition any progress, for too long.

        `acked` is the offset of the last message acked per partition (-1: none), `end` that of the next message to be
        written. A partition that was only just assigned counts from its first sample.
        """
        lags = any(end.get(partition, 0) > offset + 1 for partition, offset in acked.items())
        if not lags or acked != self._seen or self._since_s is None:
            self._since_s, self._seen = now_s, dict(acked)
            return False
        return now_s - self._since_s >= self._stuck_after_s
