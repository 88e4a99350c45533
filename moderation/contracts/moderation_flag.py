"""ModerationFlag to bytes and back."""

from moderation.contracts.record import Record, RecordCodec
from moderation.contracts.spans import from_fields, to_fields
from moderation.events import ContextUtterance, Detection, DetectionKind, Evidence, ModerationFlag, Severity

EVENT = "moderation_flag"


class ModerationFlagCodec:
    """ModerationFlag to bytes and back."""

    def __init__(self, records: RecordCodec) -> None:
        self._records = records

    def encode(self, event: ModerationFlag) -> bytes:
        """The framed bytes. Instants are rounded down to the millisecond.

        Raises:
            InvalidMessage: a value does not fit its field, or the whole is too large.
        """
        return self._records.encode(to_record(event))

    def decode(self, value: bytes | None) -> ModerationFlag:
        """The flag in a message's value.

        Raises:
            InvalidMessage: the value holds no flag.
        """
        record = from_fields(self._records.decode(value))
        record["severity"] = Severity(record["severity"])
        record["detections"] = tuple(_detection(detection) for detection in record["detections"])
        record["context"] = tuple(ContextUtterance(**utterance) for utterance in record["context"])
        record["evidence"] = Evidence(**record["evidence"])
        return ModerationFlag(**record)


def to_record(event: ModerationFlag) -> Record:
    """The flag as its schema has it."""
    return {
        "flag_id": event.flag_id,
        "revision": event.revision,
        "provisional": event.provisional,
        **to_fields(event),
        "detections": [_detection_record(detection) for detection in event.detections],
        "scores": dict(event.scores),
        "severity": event.severity.value,
        "action": event.action,
        "policy_id": event.policy_id,
        "policy_version": event.policy_version,
        "models": dict(event.models),
        "context": [_context_record(utterance) for utterance in event.context],
        "evidence": _evidence_record(event.evidence),
        "speaker_strikes": event.speaker_strikes,
        "timings_ms": dict(event.timings_ms),
        "flagged_at": event.flagged_at,
        "automated_detection": event.automated_detection,
    }


def _detection(record: Record) -> Detection:
    kind, severity = DetectionKind(record.pop("kind")), Severity(record.pop("severity"))
    return Detection(kind=kind, severity=severity, **record)


def _detection_record(detection: Detection) -> Record:
    return {
        "kind": detection.kind.value,
        "category": detection.category,
        "score": detection.score,
        "threshold": detection.threshold,
        "severity": detection.severity.value,
        "start_ms": detection.start_ms,
        "end_ms": detection.end_ms,
        "explanation": detection.explanation,
        "source": detection.source,
    }


def _context_record(utterance: ContextUtterance) -> Record:
    return {
        "stream_id": utterance.stream_id,
        "speaker_id": utterance.speaker_id,
        "started_at": utterance.started_at,
        "text": utterance.text,
    }


def _evidence_record(evidence: Evidence) -> Record:
    return {
        "topic": evidence.topic,
        "partition": evidence.partition,
        "first_offset": evidence.first_offset,
        "last_offset": evidence.last_offset,
        "sha256": evidence.sha256,
        "clip_uri": evidence.clip_uri,
    }
