"""Notices a worker that is alive and does no good, so that it leaves and a supervisor starts another.

Pure: `Supervision` is told the time and what was seen, and answers with the error to end with, if any. The samples come
from `streaming.sampling`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from moderation.errors import BrokerAway, ConsumerStuck, MemoryCapPassed, NoProgress, TransientError
from moderation.settings import Settings
from moderation.streaming.process_memory import MIB, default_cap_mb
from moderation.streaming.transport import Partition

LONGEST_INTERVAL_S = 5.0
LAGGARD_PATIENCE = 5
"""How many times longer a partition may stand still while others move: an overloaded worker serves them in turn."""

MEMORY_SAMPLES = 2
"""Samples in a row above the cap that end the worker: a model that is loaded again is there twice for a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionSample:
    """How far one partition was read and finished. Offsets; None where it is not known (yet)."""

    position: int
    """The offset that is read next."""
    end: int | None
    """The offset of the next message to be written, as the broker said when asked; None when it did not answer."""
    last_fetched: int | None
    """The last message that was handed on. Control records are not, though they have offsets."""
    committable: int | None
    """The offset to commit: every message before it is finished. None before the first was."""
    answered: int | None
    """A stamp that changes with every answer to a fetch."""

    @property
    def has_unread(self) -> bool:
        """Whether there are messages behind the position."""
        return self.end is not None and self.end > self.position

    @property
    def has_unfinished(self) -> bool:
        """Whether a message was handed on and is not finished."""
        return self.last_fetched is not None and self.last_fetched >= (self.committable or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSample:
    """A worker at one moment."""

    partitions: Mapping[Partition, PartitionSample]
    """Of the assigned partitions whose position is known."""
    consumer_answered: bool
    """Whether the consumer's thread said how far it is."""
    broker_answered: bool
    """Whether the broker answered a question that was asked for this sample."""
    is_intake_paused: bool
    """Whether a bound keeps the worker from reading on."""
    memory_bytes: Mapping[str, int]
    """Held by the worker and its engine processes, by role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisionLimits:
    """What is put up with. Seconds, MiB."""

    stuck_after_s: float
    max_utterance_s: float
    broker_away_s: float
    max_memory_mb: int

    @classmethod
    def of(cls, settings: Settings) -> "SupervisionLimits":
        """As the settings say."""
        streaming = settings.streaming
        return cls(
            stuck_after_s=streaming.stuck_after_s,
            max_utterance_s=settings.audio.max_utterance_s,
            broker_away_s=streaming.broker_away_s,
            max_memory_mb=streaming.max_rss_mb or default_cap_mb(),
        )

    @property
    def patience_s(self) -> float:
        """How long nothing may be finished: nothing is while the longest utterance is open."""
        return self.stuck_after_s + self.max_utterance_s

    @property
    def interval_s(self) -> float:
        """Time between samples: several fall within every limit."""
        return min(LONGEST_INTERVAL_S, self.stuck_after_s / 6, self.broker_away_s / 6)


class Supervision:
    """Judges samples taken every `limits.interval_s`.

    What counts is the time that was watched: a process that was suspended, or a loop that was blocked, sees a long time
    between two samples, in which nobody can say what would have happened; it counts as three intervals.
    """

    def __init__(self, limits: SupervisionLimits) -> None:
        self._limits = limits
        self._sampled_s: float | None = None
        self._silence_s = 0.0
        self._deafness_s = 0.0
        self._standstill_s = 0.0
        self._unread_s: dict[Partition, float] = {}
        self._unfinished_s: dict[Partition, float] = {}
        self._last: Mapping[Partition, PartitionSample] = {}
        self._samples_above_cap = 0

    def judge(self, now_s: float, sample: WorkerSample) -> TransientError | None:
        """Why the worker must leave, given a sample of this moment; None while it may stay."""
        elapsed_s = self._watched(now_s)
        self._heed_broker(sample, elapsed_s)
        self._deafness_s = 0.0 if sample.consumer_answered else self._deafness_s + elapsed_s
        if sample.consumer_answered:
            self._heed_progress(sample, elapsed_s)
            self._last = sample.partitions
        held_mb = sum(sample.memory_bytes.values()) // MIB
        self._samples_above_cap = self._samples_above_cap + 1 if held_mb > self._limits.max_memory_mb else 0
        return self._away() or self._stuck() or self._without_progress() or self._too_large(held_mb)

    def _watched(self, now_s: float) -> float:
        since_s = now_s if self._sampled_s is None else self._sampled_s
        self._sampled_s = now_s
        return min(now_s - since_s, 3 * self._limits.interval_s)

    def _heed_broker(self, sample: WorkerSample, elapsed_s: float) -> None:
        answered = sample.broker_answered or any(
            partition in self._last and self._last[partition].answered != state.answered
            for partition, state in sample.partitions.items()
        )
        self._silence_s = 0.0 if answered else self._silence_s + elapsed_s

    def _heed_progress(self, sample: WorkerSample, elapsed_s: float) -> None:
        moved = {p for p, state in sample.partitions.items() if self._has_moved(p, state)}
        self._unread_s = {
            p: self._unread_s.get(p, 0.0) + elapsed_s
            for p, state in sample.partitions.items()
            if state.has_unread and not sample.is_intake_paused and not self._was_read(p, state)
        }
        self._unfinished_s = {
            p: self._unfinished_s.get(p, 0.0) + elapsed_s
            for p, state in sample.partitions.items()
            if state.has_unfinished and p not in moved
        }
        self._standstill_s = self._standstill_s + elapsed_s if self._unfinished_s and not moved else 0.0

    def _was_read(self, partition: Partition, state: PartitionSample) -> bool:
        return partition not in self._last or self._last[partition].position != state.position

    def _has_moved(self, partition: Partition, state: PartitionSample) -> bool:
        return partition not in self._last or self._last[partition].committable != state.committable

    def _away(self) -> TransientError | None:
        if self._silence_s < self._limits.broker_away_s:
            return None
        return BrokerAway(
            f"no broker has answered for {self._silence_s:.0f} s (MODERATION_STREAMING__BROKER_AWAY_S): check "
            "MODERATION_BROKER and the brokers' health, then start the worker again; what it held is delivered again"
        )

    def _stuck(self) -> TransientError | None:
        if self._deafness_s >= self._limits.patience_s:
            return ConsumerStuck(
                f"the Kafka consumer has said nothing for {self._deafness_s:.0f} s: start the worker again; nothing is "
                "lost"
            )
        stuck = [p for p, waited_s in self._unread_s.items() if waited_s >= self._limits.stuck_after_s]
        if not stuck:
            return None
        return ConsumerStuck(
            f"{_named(stuck)}: there are messages to read, and none was read for {self._limits.stuck_after_s:.0f} s "
            "(MODERATION_STREAMING__STUCK_AFTER_S): start the worker again; nothing is lost"
        )

    def _without_progress(self) -> TransientError | None:
        patience_s = self._limits.patience_s
        if self._standstill_s < patience_s:
            patience_s *= LAGGARD_PATIENCE
        stuck = [p for p, waited_s in self._unfinished_s.items() if waited_s >= patience_s]
        if not stuck:
            return None
        return NoProgress(
            f"{_named(stuck)}: no message was finished for {patience_s:.0f} s although there are some in hand "
            "(MODERATION_STREAMING__STUCK_AFTER_S): start the worker again, the messages are delivered again; if that "
            "repeats, look for stages that hang (moderation_stage_seconds)"
        )

    def _too_large(self, held_mb: int) -> TransientError | None:
        if self._samples_above_cap < MEMORY_SAMPLES:
            return None
        return MemoryCapPassed(
            f"the worker and its engine processes hold {held_mb} MiB, more than {self._limits.max_memory_mb} MiB "
            "(MODERATION_STREAMING__MAX_RSS_MB): start the worker again; if it grows as large soon, raise the cap or "
            "lower MODERATION_STREAMING__MAX_OPEN_STREAMS"
        )


def _named(partitions: list[Partition]) -> str:
    topic, number = min(partitions)
    others = f" and {len(partitions) - 1} more" if len(partitions) > 1 else ""
    return f"partition {number} of {topic}{others}"
