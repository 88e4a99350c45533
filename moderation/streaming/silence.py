"""When it is certain that nothing came: the two rules by which a stream counts as silent on the wire.

A timer alone would cut utterances whenever the worker itself is behind, paused or cut off from the broker, and a replay
would cut them elsewhere. So silence is concluded from the log:

- wall clock: a fetch that the broker answered later than `wall_s` after the stream's last chunk showed the end of the
  partition, and everything before it was taken in;
- event time: messages of other streams in the partition carry record timestamps `event_s` after that of the stream's
  last chunk. This holds in a backlog too, where the end of the log is far away. Timestamps of the future count as now,
  so that no producer can make others silent by its clock alone.
"""

from collections.abc import Mapping
from datetime import datetime

from moderation.clock import Clock
from moderation.streaming.received import ReceivedChunk
from moderation.streaming.transport import FetchState, Partition


class LogSilence:
    """What is known of the end of each partition and of the time in it."""

    def __init__(self, clock: Clock, *, event_s: float) -> None:
        self._clock = clock
        self._event_s = event_s
        self._sampled_s = clock.monotonic_s()
        self._answered: dict[Partition, int | None] = {}
        self._read_to_end_s: dict[Partition, float] = {}
        self._log_time: dict[Partition, datetime] = {}

    def routed(self, partition: Partition, timestamp: datetime | None) -> None:
        """A message of the partition was taken in."""
        if timestamp is None:
            return
        latest, timestamp = self._log_time.get(partition), min(timestamp, self._clock.now())
        if latest is None or timestamp > latest:
            self._log_time[partition] = timestamp

    def sample(self, states: Mapping[Partition, FetchState], *, routed: Mapping[Partition, int]) -> None:
        """Look at the consumer; `routed` is the offset of the last message taken in, per partition."""
        for partition, state in states.items():
            is_news = self._answered.get(partition) != state.answered_ms
            if is_news and _is_read(state, routed.get(partition)):
                # The answer came after the last look, so this much is certain.
                self._read_to_end_s[partition] = self._sampled_s
            self._answered[partition] = state.answered_ms
        self._sampled_s = self._clock.monotonic_s()

    def has_lasted(self, since: ReceivedChunk, *, wall_s: float) -> bool:
        """Whether a stream whose last chunk is this one is silent."""
        partition = (since.message.topic, since.message.partition)
        read_to_end_s = self._read_to_end_s.get(partition)
        if read_to_end_s is not None and read_to_end_s - since.received_s >= wall_s:
            return True
        log_time, stamp = self._log_time.get(partition), since.message.timestamp
        if log_time is None or stamp is None:
            return False
        return (log_time - stamp).total_seconds() >= max(self._event_s, wall_s)


def _is_read(state: FetchState, routed: int | None) -> bool:
    if state.highwater is None or state.position < state.highwater:
        return False
    return state.last_fetched is None or (routed is not None and routed >= state.last_fetched)
