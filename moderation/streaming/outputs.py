"""What is published for a judged utterance: pure functions of data."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from moderation.audio.utterance import Utterance, UtteranceOpened
from moderation.contracts.ids import flag_id, utterance_id
from moderation.events import (
    ContextUtterance,
    Evidence,
    MissingAudio,
    ModerationFlag,
    Severity,
    StreamIdentity,
    Transcript,
)
from moderation.judging import Judgement
from moderation.partials import PartialOutcome
from moderation.pipeline import UtteranceOutcome
from moderation.policy.verdict import Action
from moderation.streaming.received import ReceivedChunk


def evidence_of(chunks: Sequence[ReceivedChunk]) -> Evidence:
    """Where the audio of an utterance is, from its chunks in order; at least one."""
    digest = sha256()
    for received in chunks:
        digest.update(received.chunk.payload)
    return Evidence(
        topic=chunks[0].message.topic,
        partition=chunks[0].message.partition,
        first_offset=chunks[0].message.offset,
        last_offset=chunks[-1].message.offset,
        sha256=digest.hexdigest(),
    )


def transcript_of(outcome: UtteranceOutcome, identity: StreamIdentity, *, captured_at: datetime) -> Transcript:
    """The masked final transcript; `captured_at` is that of the utterance's first chunk."""
    utterance, masked = outcome.utterance, outcome.judgement.masked
    return Transcript(
        utterance_id=utterance_id(
            tenant_id=identity.tenant_id,
            stream_id=identity.stream_id,
            captured_at=captured_at,
            first_sequence=utterance.first_sequence,
            last_sequence=utterance.last_sequence,
        ),
        identity=identity,
        started_at=utterance.started_at,
        ended_at=utterance.ended_at,
        start_ms=utterance.start_ms,
        end_ms=utterance.end_ms,
        first_sequence=utterance.first_sequence,
        last_sequence=utterance.last_sequence,
        missing=utterance.missing,
        is_final=True,
        language=outcome.judgement.heard.language,
        text=masked.text,
        words=masked.words,
        engine=outcome.engine,
        model=outcome.models["asr"],
    )


def partial_of(outcome: PartialOutcome, chunks: Sequence[ReceivedChunk]) -> Transcript:
    """The masked partial transcript of the utterance under way, from the chunks it has so far; at least one.

    Its instants are those of the chunks; consumers join it to the final by stream and first sequence.
    """
    first, last = chunks[0], chunks[-1].chunk
    identity, opened = first.identity, outcome.opened
    elapsed = last.captured_at - first.chunk.captured_at
    return Transcript(
        utterance_id=utterance_id(
            tenant_id=identity.tenant_id,
            stream_id=identity.stream_id,
            captured_at=first.chunk.captured_at,
            first_sequence=opened.first_sequence,
            last_sequence=last.sequence,
        ),
        identity=identity,
        started_at=first.chunk.captured_at,
        ended_at=last.captured_at,
        start_ms=opened.start_ms,
        end_ms=opened.start_ms + round(elapsed.total_seconds() * 1000),
        first_sequence=opened.first_sequence,
        last_sequence=last.sequence,
        is_final=False,
        language=outcome.judgement.heard.language,
        text=outcome.judgement.masked.text,
        words=(),
        engine=outcome.engine,
        model=outcome.models["asr"],
    )


def flag_id_of(spoken: Utterance | UtteranceOpened, first: ReceivedChunk, *, policy_id: str) -> str:
    """The id of the flag about an utterance, from its beginning on; `first` is its first chunk."""
    return flag_id(
        tenant_id=first.chunk.tenant_id,
        stream_id=first.chunk.stream_id,
        captured_at=first.chunk.captured_at,
        first_sequence=spoken.first_sequence,
        started_at=spoken.started_at,
        policy_id=policy_id,
    )


def flag_of(
    outcome: UtteranceOutcome,
    chunks: Sequence[ReceivedChunk],
    *,
    context: tuple[ContextUtterance, ...],
    waited_ms: float,
    flagged_at: datetime,
) -> ModerationFlag:
    """The flag of an utterance whose verdict is at or above the flagging severity, from its chunks.

    `waited_ms` is the time from the arrival of the chunk that ended it to the start of recognition.
    """
    utterance = outcome.utterance
    return _flag(
        utterance,
        outcome.judgement,
        chunks,
        # Above that of any provisional flag, which cannot have heard more.
        revision=utterance.decided_ms - utterance.start_ms + 1,
        provisional=False,
        ended_at=utterance.ended_at,
        end_ms=utterance.end_ms,
        last_sequence=utterance.last_sequence,
        missing=utterance.missing,
        models=outcome.models,
        context=context,
        timings_ms={**outcome.timings_ms, "waiting": waited_ms},
        flagged_at=flagged_at,
    )


def withdrawal_of(final: ModerationFlag, *, flag_id: str) -> ModerationFlag:
    """The final revision that takes a provisional flag back, from what would be the flag of the utterance."""
    return replace(final, flag_id=flag_id, severity=Severity.NONE, action=Action.NONE, detections=())


def provisional_flag_of(
    outcome: PartialOutcome,
    chunks: Sequence[ReceivedChunk],
    *,
    context: tuple[ContextUtterance, ...],
    flagged_at: datetime,
    is_final: bool = False,
) -> ModerationFlag:
    """The flag of an utterance that goes on, from the chunks that were heard of it so far.

    `is_final`: nothing more will be known of it.
    """
    opened = outcome.opened
    return _flag(
        opened,
        outcome.judgement,
        chunks,
        revision=outcome.heard_ms + is_final,
        provisional=not is_final,
        ended_at=opened.started_at + timedelta(milliseconds=outcome.heard_ms),
        end_ms=opened.start_ms + outcome.heard_ms,
        last_sequence=chunks[-1].chunk.sequence,
        missing=(),
        models=outcome.models,
        context=context,
        timings_ms=outcome.timings_ms,
        flagged_at=flagged_at,
    )


def _flag(
    spoken: Utterance | UtteranceOpened,
    judgement: Judgement,
    chunks: Sequence[ReceivedChunk],
    *,
    revision: int,
    provisional: bool,
    ended_at: datetime,
    end_ms: int,
    last_sequence: int,
    missing: tuple[MissingAudio, ...],
    models: Mapping[str, str],
    context: tuple[ContextUtterance, ...],
    timings_ms: Mapping[str, float],
    flagged_at: datetime,
) -> ModerationFlag:
    verdict = judgement.verdict
    return ModerationFlag(
        flag_id=flag_id_of(spoken, chunks[0], policy_id=verdict.policy_id),
        revision=revision,
        provisional=provisional,
        identity=chunks[0].identity,
        started_at=spoken.started_at,
        ended_at=ended_at,
        start_ms=spoken.start_ms,
        end_ms=end_ms,
        first_sequence=spoken.first_sequence,
        last_sequence=last_sequence,
        missing=missing,
        text=judgement.masked.text,
        words=judgement.masked.words,
        language=judgement.heard.language,
        detections=verdict.detections,
        scores=judgement.scores,
        severity=verdict.severity,
        action=verdict.action,
        policy_id=verdict.policy_id,
        policy_version=verdict.policy_version,
        models=models,
        context=context,
        evidence=evidence_of(chunks),
        speaker_strikes=None,
        timings_ms=timings_ms,
        flagged_at=flagged_at,
    )


def context_of(outcome: UtteranceOutcome, identity: StreamIdentity) -> ContextUtterance:
    """What later flags of the session show of this utterance."""
    return ContextUtterance(
        stream_id=identity.stream_id,
        speaker_id=identity.speaker_id,
        started_at=outcome.utterance.started_at,
        text=outcome.judgement.masked.text,
    )
