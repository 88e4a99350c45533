"""ResumeMark to bytes and back, and the keys of marks."""

from moderation.contracts.record import Record, RecordCodec
from moderation.errors import DeadLetterCode, InvalidMessage
from moderation.events import LanguageEvidence, ResumeMark, ResumePoint

EVENT = "resume_mark"

_SEPARATOR = b"\x00"


class ResumeMarkCodec:
    """ResumeMark to bytes and back."""

    def __init__(self, records: RecordCodec) -> None:
        self._records = records

    def encode(self, event: ResumeMark) -> bytes:
        """The framed bytes. Instants are rounded down to the millisecond.

        Raises:
            InvalidMessage: a value does not fit its field, or the whole is too large.
        """
        return self._records.encode(to_record(event))

    def decode(self, value: bytes | None) -> ResumeMark:
        """The mark in a message's value. A message without one is a tombstone: do not decode it.

        Raises:
            InvalidMessage: the value holds no mark.
        """
        record = self._records.decode(value)
        point = ResumePoint(**record.pop("point"))
        heard, read = _evidence(record.pop("heard")), _evidence(record.pop("read"))
        return ResumeMark(**record, point=point, heard=heard, read=read)


def to_record(event: ResumeMark) -> Record:
    """The mark as its schema has it."""
    point = event.point
    return {
        "tenant_id": event.tenant_id,
        "stream_id": event.stream_id,
        "point": {
            "sequence": point.sequence,
            "skip_samples": point.skip_samples,
            "position": point.position,
            "captured_at": point.captured_at,
            "utterances": point.utterances,
        },
        "origin_offset": event.origin_offset,
        "last_sequence": event.last_sequence,
        "last_offset": event.last_offset,
        "last_captured_at": event.last_captured_at,
        "is_ended": event.is_ended,
        "heard": _evidence_record(event.heard),
        "read": _evidence_record(event.read),
        "marked_at": event.marked_at,
        "provisional_flag_id": event.provisional_flag_id,
    }


def mark_key(tenant_id: str, stream_id: str) -> bytes:
    """The key of a stream's mark. Ids are printable, so the separator is in none of them."""
    return _SEPARATOR.join((tenant_id.encode(), stream_id.encode()))


def stream_of(key: bytes | None) -> tuple[str, str]:
    """Tenant and stream of a mark's key.

    Raises:
        InvalidMessage: it is no key of a mark.
    """
    try:
        tenant_id, stream_id = (key or b"").decode().split("\x00")
    except ValueError:
        raise InvalidMessage(DeadLetterCode.KEY_MISMATCH, "the key is not that of a resume mark") from None
    return tenant_id, stream_id


def _evidence_record(evidence: LanguageEvidence | None) -> Record | None:
    if evidence is None:
        return None
    return {"observations": evidence.observations, "log_probabilities": dict(evidence.log_probabilities)}


def _evidence(record: Record | None) -> LanguageEvidence | None:
    return None if record is None else LanguageEvidence(**record)
