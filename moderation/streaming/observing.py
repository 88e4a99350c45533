"""What sessions, router and marks tell, as metrics."""

from collections.abc import Mapping

from moderation.clock import Clock
from moderation.streaming.ordering import Arrival
from moderation.streaming.router import IntakeRouter
from moderation.telemetry.metrics import IntakeState, Metrics, PausingBound


class WorkerObserver:
    """Counts what the parts of a worker tell it."""

    def __init__(self, metrics: Metrics, *, clock: Clock, queued_chunks_limit: int) -> None:
        self._metrics = metrics
        self._clock = clock
        self._queued_chunks_limit = queued_chunks_limit

    def sampled(self, router: IntakeRouter, memory_bytes: Mapping[str, int]) -> None:
        """How full the worker is, and how large, at this moment."""
        oldest_s = router.oldest_waiting_s
        self._metrics.intake(
            IntakeState(
                open_streams=router.open_streams,
                open_utterances=router.open_utterances,
                queued_chunks=router.queued_chunks,
                queued_chunks_limit=self._queued_chunks_limit,
                unacked_chunks=router.waiting_for_ack,
                oldest_unacked_s=0.0 if oldest_s is None else self._clock.monotonic_s() - oldest_s,
                is_paused=router.paused_by is not None,
            )
        )
        self._metrics.memory(memory_bytes)

    def redelivered(self) -> None:
        """A message came again although it was in hand or acked."""
        self._metrics.redelivered()

    def chunk_arrived(self, arrival: Arrival, missing: int) -> None:
        """A chunk was put in its place."""
        self._metrics.chunk(arrival.value, missing=missing)

    def clock_jumped(self) -> None:
        """The capture times of a stream jumped."""
        self._metrics.clock_jump()

    def utterance_closed_early(self) -> None:
        """An open utterance was closed for the sake of others."""
        self._metrics.utterance_closed_early()

    def interim_heard(self, *, in_time: bool) -> None:
        """An interim decode was made."""
        self._metrics.interim(in_time=in_time)

    def recognised_early(self, *, in_vain: bool) -> None:
        """An utterance was recognised at a pause that may have been its end."""
        self._metrics.early(in_vain=in_vain)

    def intake_paused(self, reason: PausingBound, seconds: float) -> None:
        """Intake waited for a bound."""
        self._metrics.intake_paused(reason, seconds)

    def stream_evicted(self) -> None:
        """A resting session made room for another stream."""
        self._metrics.stream_evicted()

    def marks_kept(self, count: int) -> None:
        """So many resume marks are held now."""
        self._metrics.resume_marks(count)

    def mark_published(self) -> None:
        """A resume mark was moved."""
        self._metrics.resume_mark("published")

    def mark_cleaned(self) -> None:
        """A resume mark was removed: its stream ended or went idle."""
        self._metrics.resume_mark("cleaned")

    def mark_evicted(self) -> None:
        """A resume mark was removed because there were too many."""
        self._metrics.resume_mark("evicted")

    def committed(self, succeeded: bool) -> None:
        """Offsets were committed, or could not be."""
        self._metrics.commit(succeeded=succeeded)

    def assigned(self, partitions: int) -> None:
        """So many partitions were assigned in a rebalance."""
        self._metrics.rebalanced(partitions)
