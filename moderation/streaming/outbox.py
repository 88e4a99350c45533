"""Publishes what sessions produce: transcripts, flags, dead letters."""

from collections.abc import Callable

from moderation import __version__
from moderation.clock import Clock
from moderation.contracts.cloudevents import cloud_event_headers
from moderation.contracts.codecs import Codecs
from moderation.contracts.dead_letter import error_headers
from moderation.contracts.keys import key_of
from moderation.errors import DeadLetterCode, InvalidMessage
from moderation.events import DeadLetter, ModerationFlag, Transcript
from moderation.pipeline import PartialOutcome, UtteranceOutcome
from moderation.settings import StreamingSettings
from moderation.streaming.context import SessionContexts
from moderation.streaming.outputs import context_of, evidence_of, flag_of, partial_of, transcript_of
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

    async def utterance(self, outcome: UtteranceOutcome, chunks: list[ReceivedChunk], *, waited_ms: float) -> None:
        """Publish the flag, if there is one, then the transcript. An utterance without words publishes nothing."""
        self._metrics.utterance(outcome)
        if decision := outcome.language_decision:
            self._metrics.language_decided(decision.language, decision.source)
        if not outcome.judgement.masked.text and not outcome.judgement.verdict.flagged:
            return
        identity, captured_at = chunks[0].identity, chunks[0].chunk.captured_at
        if outcome.judgement.verdict.flagged:
            flag = flag_of(
                outcome,
                identity,
                captured_at=captured_at,
                evidence=evidence_of(chunks),
                context=self._contexts.before(identity.tenant_id, identity.session_id),
                waited_ms=waited_ms,
                flagged_at=self._clock.now(),
            )
            await self._send(self._topics.flags_topic, flag, self._codecs.flags.encode(flag))
            self._metrics.flag(flag, confirmed_at=self._clock.now())
        transcript = transcript_of(outcome, identity, captured_at=captured_at)
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
