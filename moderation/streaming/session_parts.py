"""What a session of a stream is given: where its results go, whom it asks and tells, and its limits."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

from moderation.audio.intake import StreamIntake
from moderation.clock import Clock
from moderation.errors import DeadLetterCode
from moderation.events import ResumeMark, ResumePoint
from moderation.partials import PartialOutcome
from moderation.pipeline import StreamPipeline, UtteranceOutcome
from moderation.streaming.early import EarlyDesk
from moderation.streaming.interims import InterimDesk
from moderation.streaming.ordering import Arrival
from moderation.streaming.received import ReceivedChunk


class Outbox(Protocol):
    """Where a session's results go. Each call returns when the broker has confirmed what was published.

    Each raises BrokerUnavailable when the broker confirms nothing until the deadline.
    """

    async def utterance(
        self,
        outcome: UtteranceOutcome,
        chunks: list[ReceivedChunk],
        *,
        waited_ms: float,
        provisional_flag_id: str | None,
    ) -> None:
        """Publish the transcript and, if there is one, the flag of an utterance made of these chunks.

        `provisional_flag_id` was told while the utterance went on: it is superseded or taken back.
        """
        ...

    async def provisional_flag(
        self, outcome: PartialOutcome, chunks: list[ReceivedChunk], *, is_final: bool = False
    ) -> None:
        """Publish the flag of an utterance that has these chunks so far; `is_final`: of which no more will be known."""
        ...

    async def partial(self, outcome: PartialOutcome, chunks: list[ReceivedChunk]) -> None:
        """Publish a partial transcript of an utterance that has these chunks so far."""
        ...

    async def dead_letter(self, received: ReceivedChunk, code: DeadLetterCode, reason: str) -> None:
        """Publish a chunk that could not be processed."""
        ...


class SilenceOracle(Protocol):
    """Knows whether a stream has fallen silent on the wire, rather than the worker behind."""

    def has_lasted(self, since: ReceivedChunk, *, wall_s: float) -> bool:
        """Whether a stream whose last chunk is this one is silent."""
        ...


class SessionObserver(Protocol):
    """Told what happens to chunks, to be counted."""

    def chunk_arrived(self, arrival: Arrival, missing: int) -> None:
        """A chunk was put in its place, with so many missing before it."""
        ...

    def clock_jumped(self) -> None:
        """The capture times of a stream jumped."""
        ...

    def utterance_closed_early(self) -> None:
        """An open utterance was closed, because too many chunks waited behind it."""
        ...

    def interim_heard(self, *, in_time: bool) -> None:
        """An interim decode was made; `in_time`: before the utterance ended."""
        ...

    def recognised_early(self, *, in_vain: bool) -> None:
        """An utterance was recognised at a pause; `in_vain`: it went on."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """How long a session waits, and for what."""

    idle_utterance_s: float
    idle_stream_s: float
    reorder_window: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialsUse:
    """What partial transcripts are for."""

    published: bool
    flagged: bool
    """Whether provisional flags are told of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionParts:
    """What every session of a worker shares."""

    outbox: Outbox
    clock: Clock
    limits: SessionLimits
    silence: SilenceOracle
    observer: SessionObserver
    intake_pool: Executor
    recognition_pool: Executor
    interims: InterimDesk
    early: EarlyDesk
    partials: PartialsUse
    new_intake: Callable[[ResumePoint | None], StreamIntake]
    open_pipeline: Callable[[ReceivedChunk, ResumeMark | None], StreamPipeline]
    on_taken: Callable[[], None]
    """Told when a queued chunk leaves the queue."""
