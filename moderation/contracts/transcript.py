"""Transcript to bytes and back."""

from moderation.contracts.record import Record, RecordCodec
from moderation.contracts.spans import from_fields, to_fields
from moderation.events import Transcript

EVENT = "transcript"


class TranscriptCodec:
    """Transcript to bytes and back."""

    def __init__(self, records: RecordCodec) -> None:
        self._records = records

    def encode(self, event: Transcript) -> bytes:
        """The framed bytes. Instants are rounded down to the millisecond.

        Raises:
            InvalidMessage: a value does not fit its field, or the whole is too large.
        """
        return self._records.encode(to_record(event))

    def decode(self, value: bytes | None) -> Transcript:
        """The transcript in a message's value.

        Raises:
            InvalidMessage: the value holds no transcript.
        """
        return Transcript(**from_fields(self._records.decode(value)))


def to_record(event: Transcript) -> Record:
    """The transcript as its schema has it."""
    return {
        "utterance_id": event.utterance_id,
        **to_fields(event),
        "is_final": event.is_final,
        "engine": event.engine,
        "model": event.model,
    }
