"""The provisional flags of one stream: each told once, in full, and always followed by a final revision."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import structlog

from moderation.audio.utterance import IntakeEvent, Utterance
from moderation.errors import BrokerUnavailable
from moderation.partials import PartialOutcome
from moderation.pipeline import StreamPipeline
from moderation.policy.provisional import news
from moderation.streaming.interims import StreamInterims
from moderation.streaming.outputs import flag_id_of
from moderation.streaming.received import ReceivedChunk
from moderation.streaming.stream_mark import StreamMark

log = structlog.get_logger(__name__)


class ProvisionalOutbox(Protocol):
    """Where provisional flags go."""

    async def provisional_flag(
        self, outcome: PartialOutcome, chunks: list[ReceivedChunk], *, is_final: bool = False
    ) -> None:
        """Return when the broker has confirmed it; raises BrokerUnavailable."""
        ...


class ProvisionalFlags:
    """What is told of the open utterance before it ends.

    That a flag was told is kept in the resume mark, and confirmed, before it is published: whoever hears the utterance
    end, this worker or a successor, then knows that a final revision is owed, be it a withdrawal.
    """

    def __init__(
        self,
        outbox: ProvisionalOutbox,
        mark: StreamMark,
        interims: StreamInterims,
        *,
        chunks: Callable[[int, int], list[ReceivedChunk]],
    ) -> None:
        """`chunks` gives the held chunks of the stream from one sequence to another."""
        self._outbox = outbox
        self._mark = mark
        self._interims = interims
        self._chunks = chunks
        self._told: PartialOutcome | None = None

    @property
    def has_news(self) -> bool:
        """Whether an interim decode has come to an end."""
        return self._interims.is_ready

    def follow(self, event: IntakeEvent, pipeline: StreamPipeline) -> None:
        """What intake says, before it is handled. The end of an utterance makes its interim decode worthless."""
        pipeline.follow(event)
        if isinstance(event, Utterance):
            self._interims.drop()

    def listen(self, pipeline: StreamPipeline, latest: ReceivedChunk) -> None:
        """Have the open utterance heard, if that is due and nothing is in the way; `latest` is its last chunk."""
        self._interims.begin_if_due(pipeline, latest)

    async def tell_news(self) -> None:
        """Publish what an interim decode found, if it is news.

        Raises:
            BrokerUnavailable: it was not confirmed.
        """
        heard = self._interims.take()
        if heard is not None:
            await self.tell(*heard)

    async def tell(self, outcome: PartialOutcome, latest: ReceivedChunk) -> None:
        """Publish a provisional flag, if there is news; `latest` is the last chunk that was heard.

        Raises:
            BrokerUnavailable: it was not confirmed.
        """
        told = None if self._told is None else self._told.judgement.verdict
        verdict = news(told, outcome.judgement.verdict)
        if verdict is not None and self._mark.is_kept:
            await self._publish(replace(outcome, judgement=replace(outcome.judgement, verdict=verdict)), latest)

    async def _publish(self, outcome: PartialOutcome, latest: ReceivedChunk) -> None:
        chunks = self._chunks(outcome.opened.first_sequence, latest.chunk.sequence)
        policy_id = outcome.judgement.verdict.policy_id
        try:
            await self._mark.owe(flag_id_of(outcome.opened, chunks[0], policy_id=policy_id))
            await self._outbox.provisional_flag(outcome, chunks)
        except BrokerUnavailable:
            raise
        except Exception as error:  # noqa: BLE001  the end of the utterance makes it good
            log.warning("provisional_flag_failed", error=type(error).__name__)
        else:
            self._told = outcome

    async def settle(self, latest: ReceivedChunk) -> None:
        """The utterance cannot be recognised to its end: what was told of it stands.

        A successor does not know what it was: then the flag stays provisional.

        Raises:
            BrokerUnavailable: it was not confirmed.
        """
        told, self._told = self._told, None
        if told is not None:
            chunks = self._chunks(told.opened.first_sequence, latest.chunk.sequence)
            await self._outbox.provisional_flag(told, chunks, is_final=True)

    def forget(self) -> None:
        """The utterance has ended, and its final revision was published."""
        self._told = None

    def drop(self) -> None:
        """Nobody will ask any more."""
        self._interims.drop()
