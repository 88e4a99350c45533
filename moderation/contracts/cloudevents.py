"""CloudEvents 1.0 headers, binary mode.

Sources: CloudEvents 1.0.2 core specification (required attributes); its Kafka protocol binding, section 3.2 (attributes
are headers with the prefix `ce_`, the media type of the value is `content-type`).
"""

from datetime import UTC, datetime

from moderation.contracts import ids
from moderation.events import AudioChunk, DeadLetter, ModerationFlag, Transcript

Event = AudioChunk | Transcript | ModerationFlag | DeadLetter
"""Everything that is published."""

CONTENT_TYPE = b"application/avro"
SPEC_VERSION = b"1.0"


def cloud_event_headers(event: Event, *, source: str) -> dict[str, bytes]:
    """The headers of an event that is published.

    `source` is a URI reference that names the publisher, such as `/voice-moderation/worker`. Source and id together
    identify the event: a replay of the same event has the same id, and another event has another.
    """
    return {
        "ce_specversion": SPEC_VERSION,
        "ce_id": event_id(event).encode(),
        "ce_type": event_type(event).encode(),
        "ce_source": source.encode(),
        "ce_time": _rfc3339(_occurred_at(event)).encode(),
        "content-type": CONTENT_TYPE,
    }


def event_type(event: Event) -> str:
    """The type of an event: the full name of its schema and the generation of the contract."""
    return f"voice.moderation.{type(event).__name__}.v1"


def event_id(event: Event) -> str:
    """The deterministic id of an event.

    Partials and later revisions are events of their own, so the id of what they are about gets a suffix.
    """
    match event:
        case AudioChunk():
            return ids.chunk_id(tenant_id=event.tenant_id, stream_id=event.stream_id, sequence=event.sequence)
        case Transcript():
            return event.utterance_id if event.is_final else f"{event.utterance_id}.partial"
        case ModerationFlag():
            return f"{event.flag_id}.{event.revision}" if event.revision else event.flag_id
        case DeadLetter():
            return ids.dead_letter_id(topic=event.topic, partition=event.partition, offset=event.offset)


def _occurred_at(event: Event) -> datetime:
    match event:
        case AudioChunk():
            return event.captured_at
        case Transcript():
            return event.ended_at
        case ModerationFlag():
            return event.flagged_at
        case DeadLetter():
            return event.failed_at


def _rfc3339(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
