"""Publishes what sessions produce: transcripts, flags, dead letters."""

from collections.abc import Callable

from moderation import __version__
from moderation.clock import Clock
from moderation.contracts.cloudevents import cloud_event_headers
from moderation.contracts.codecs import Codecs
from moderation.contracts.dead_letter import error_headers
from moderation.contracts.keys import key_of
from moderation.errors import DeadLetterCode, InvalidMessage
from moderation.events import ContextUtterance, DeadLetter, ModerationFlag, Transcript
from moderation.partials import PartialOutcome
from moderation.pipeline import UtteranceOutcome
from moderation.settings import StreamingSettings
from moderation.streaming.context import SessionContexts
from moderation.streaming.outputs import (
    context_of,
    flag_of,
    partial_of,
    provisional_flag_of,
    transcript_of,
    withdrawal_of,
)
from moderation.streaming.publishing import Publisher
from moderation.streaming.received import RawMessage, ReceivedChunk
from moderation.telemetry.metrics import Metrics

CE_SOURCE = "/voice-moderation/worker"


class KafkaOutbox:
    """Encodes, publishes and waits for the broker's confirmation."""

    def __init__(
        self,
        publisher: Publisher,
        *,
        codecs: Codecs,
        topics: StreamingSettings,
        contexts: SessionContexts,
        clock: Clock,
        metrics: Metrics,
        on_dead_letter: Callable[[DeadLetterCode], None],
    ) -> None:
        """`on_dead_letter` is told of each dead letter that was published."""
        self._publisher = publisher
        self._codecs = codecs
        self._topics = topics
        self._contexts = contexts
        self._clock = clock
        self._metrics = metrics
        self._on_dead_letter = on_dead_letter

    async def utterance(
        self,
        outcome: UtteranceOutcome,
        chunks: list[ReceivedChunk],
        *,
        waited_ms: float,
        provisional_flag_id: str | None,
    ) -> None:
        """Publish the final revision of the flag, if there is one or was a provisional one, then the transcript.

        Of an utterance without words there is no transcript.
        """
        self._metrics.utterance(outcome)
        if decision := outcome.language_decision:
            self._metrics.language_decided(decision.language, decision.source)
        is_flagged = outcome.judgement.verdict.flagged
        if is_flagged or provisional_flag_id:
            flag = flag_of(
                outcome, chunks, context=self._context(chunks), waited_ms=waited_ms, flagged_at=self._clock.now()
            )
            if is_flagged:
                await self._send_flag(flag)
            if provisional_flag_id and (not is_flagged or provisional_flag_id != flag.flag_id):
                await self._send_flag(withdrawal_of(flag, flag_id=provisional_flag_id))
        if outcome.judgement.masked.text or is_flagged:
            await self._send_transcript(outcome, chunks)

    async def provisional_flag(
        self, outcome: PartialOutcome, chunks: list[ReceivedChunk], *, is_final: bool = False
    ) -> None:
        """Publish the flag of an utterance that goes on and has these chunks so far.

        `is_final`: it cannot be recognised to its end.
        """
        flag = provisional_flag_of(
            outcome, chunks, context=self._context(chunks), flagged_at=self._clock.now(), is_final=is_final
        )
        await self._send_flag(flag)

    def _context(self, chunks: list[ReceivedChunk]) -> tuple[ContextUtterance, ...]:
        return self._contexts.before(chunks[0].identity.tenant_id, chunks[0].identity.session_id)

    async def _send_flag(self, flag: ModerationFlag) -> None:
        await self._send(self._topics.flags_topic, flag, self._codecs.flags.encode(flag))
        self._metrics.flag(flag, confirmed_at=self._clock.now())

    async def _send_transcript(self, outcome: UtteranceOutcome, chunks: list[ReceivedChunk]) -> None:
        identity = chunks[0].identity
        transcript = transcript_of(outcome, identity, captured_at=chunks[0].chunk.captured_at)
        await self._send(self._topics.transcripts_topic, transcript, self._codecs.transcripts.encode(transcript))
        self._contexts.remember(identity.tenant_id, identity.session_id, context_of(outcome, identity))

    async def partial(self, outcome: PartialOutcome, chunks: list[ReceivedChunk]) -> None:
        """Publish a partial transcript of an utterance that has these chunks so far."""
        transcript = partial_of(outcome, chunks)
        await self._send(self._topics.transcripts_topic, transcript, self._codecs.transcripts.encode(transcript))

    async def dead_letter(self, received: ReceivedChunk, code: DeadLetterCode, reason: str) -> None:
        """Publish a chunk that was decoded and could not be processed."""
        await self.reject(received.message, InvalidMessage(code, reason))

    async def reject(self, message: RawMessage, invalid: InvalidMessage) -> None:
        """Publish a message that could not be processed, whole, with the reason."""
        letter = DeadLetter(
            code=invalid.code.value,
            reason=invalid.sentence,
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            timestamp=message.timestamp,
            key=message.key,
            value=message.value,
            headers=message.headers,
            application_version=__version__,
            failed_at=self._clock.now(),
        )
        headers = cloud_event_headers(letter, source=CE_SOURCE) | error_headers(letter)
        value = self._codecs.dead_letters.encode(letter)
        await self._publisher.publish(self._topics.dead_letters_topic, key=key_of(letter), value=value, headers=headers)
        self._metrics.dead_letter(invalid.code)
        self._on_dead_letter(invalid.code)

    async def _send(self, topic: str, event: Transcript | ModerationFlag, value: bytes) -> None:
        headers = cloud_event_headers(event, source=CE_SOURCE)
        await self._publisher.publish(topic, key=key_of(event), value=value, headers=headers)
