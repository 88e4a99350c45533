"""What Transcript and ModerationFlag have in common on the wire: who, when, which chunks, words and gaps."""

from moderation.contracts.record import Record
from moderation.events import LanguageGuess, MissingAudio, ModerationFlag, StreamIdentity, Transcript, Word


def to_fields(event: Transcript | ModerationFlag) -> Record:
    """The fields that both schemas have."""
    identity = event.identity
    return {
        "tenant_id": identity.tenant_id,
        "session_id": identity.session_id,
        "stream_id": identity.stream_id,
        "speaker_id": identity.speaker_id,
        "started_at": event.started_at,
        "ended_at": event.ended_at,
        "start_ms": event.start_ms,
        "end_ms": event.end_ms,
        "first_sequence": event.first_sequence,
        "last_sequence": event.last_sequence,
        "language": event.language.language,
        "language_confidence": event.language.confidence,
        "text": event.text,
        "words": [
            {"text": word.text, "start_ms": word.start_ms, "end_ms": word.end_ms, "confidence": word.confidence}
            for word in event.words
        ],
        "missing": [{"at_ms": gap.at_ms, "duration_ms": gap.duration_ms} for gap in event.missing],
    }


def from_fields(record: Record) -> Record:
    """The record with the common fields as the events have them: identity, language, words and gaps are values."""
    identity = StreamIdentity(
        tenant_id=record.pop("tenant_id"),
        session_id=record.pop("session_id"),
        stream_id=record.pop("stream_id"),
        speaker_id=record.pop("speaker_id"),
    )
    language = LanguageGuess(language=record.pop("language"), confidence=record.pop("language_confidence"))
    words = tuple(Word(**word) for word in record.pop("words"))
    missing = tuple(MissingAudio(**gap) for gap in record.pop("missing"))
    return {**record, "identity": identity, "language": language, "words": words, "missing": missing}
