"""When it is certain that nothing came: the two rules by which a stream counts as silent on the wire.

A timer alone would cut utterances whenever the worker itself is behind, paused or cut off from the broker, and another
worker would cut them elsewhere. So silence is concluded from the log:

- wall clock: a fetch that the broker answered `wall_s` after the stream's last chunk, or later, showed the end of the
  partition, and everything before it was taken in;
- event time: messages of other streams in the partition carry record timestamps `event_s` after that of the stream's
  last chunk. This holds in a backlog too, where the end of the log is far away. Timestamps of the future count as now,
  so that no producer can make others silent by its clock alone.

Only time counts in which the broker answered one fetch after the other: behind an outage the producers have to find
back as well, and what they kept comes late.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from moderation.clock import Clock
from moderation.streaming.received import ReceivedChunk
from moderation.streaming.transport import FetchState, Partition

ANSWER_GAP_S = 1.5
"""Time without an answer after which the broker counts as having been away. Fetches wait for a fraction of it."""


@dataclass(slots=True)
class _Hearing:
    """What is known of the fetches of one partition. Monotonic seconds; each is as early as it may have been."""

    answer: int | None
    answered_s: float
    answering_since_s: float
    read_to_end_s: float | None = None


class LogSilence:
    """What is known of the end of each partition and of the time in it."""

    def __init__(self, clock: Clock, *, event_s: float) -> None:
        self._clock = clock
        self._event_s = event_s
        self._sampled_s = clock.monotonic_s()
        self._hearing: dict[Partition, _Hearing] = {}
        self._log_time: dict[Partition, datetime] = {}

    def routed(self, partition: Partition, timestamp: datetime | None) -> None:
        """A message of the partition was taken in."""
        if timestamp is None:
            return
        latest, timestamp = self._log_time.get(partition), min(timestamp, self._clock.now())
        if latest is None or timestamp > latest:
            self._log_time[partition] = timestamp

    def forget(self) -> None:
        """Partitions are read anew from their commits: what was known of time and end is not so there."""
        self._hearing.clear()
        self._log_time.clear()

    def sample(self, states: Mapping[Partition, FetchState], *, routed: Mapping[Partition, int]) -> None:
        """Look at the consumer; `routed` is the offset of the last message taken in, per partition."""
        now_s = self._clock.monotonic_s()
        for partition, state in states.items():
            hearing = self._hearing.get(partition)
            if hearing is None:
                hearing = self._hearing[partition] = _Hearing(state.answered_ms, now_s, now_s)
            elif hearing.answer != state.answered_ms:
                self._heed_answer(hearing, state, now_s, routed.get(partition))
        self._hearing = {partition: self._hearing[partition] for partition in states}
        self._sampled_s = now_s

    def _heed_answer(self, hearing: _Hearing, state: FetchState, now_s: float, routed: int | None) -> None:
        if now_s - hearing.answered_s > ANSWER_GAP_S:
            hearing.answering_since_s = now_s
        hearing.answer, hearing.answered_s = state.answered_ms, now_s
        if _is_read(state, routed):
            # The answer came after the last look, so this much is certain.
            hearing.read_to_end_s = self._sampled_s

    def has_lasted(self, since: ReceivedChunk, *, wall_s: float) -> bool:
        """Whether a stream whose last chunk is this one is silent."""
        partition = (since.message.topic, since.message.partition)
        hearing = self._hearing.get(partition)
        if hearing is None:
            return False
        begin_s = max(since.received_s, hearing.answering_since_s)
        if hearing.read_to_end_s is not None and hearing.read_to_end_s - begin_s >= wall_s:
            return True
        log_time, stamp = self._log_time.get(partition), since.message.timestamp
        if log_time is None or stamp is None or hearing.answered_s - begin_s < wall_s:
            return False
        return (log_time - stamp).total_seconds() >= max(self._event_s, wall_s)


def _is_read(state: FetchState, routed: int | None) -> bool:
    if state.highwater is None or state.position < state.highwater:
        return False
    return state.last_fetched is None or (routed is not None and routed >= state.last_fetched)
