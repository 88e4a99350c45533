"""DeadLetter to bytes and back, and the headers that say at a glance what happened.

The header names are Kafka Connect's (KIP-298; `DeadLetterQueueReporter` in Apache Kafka), so that tools which show
Connect's dead letters show ours. Its exception class name carries our stable code.
"""

from dataclasses import replace

from moderation.contracts.record import Record, RecordCodec
from moderation.events import DeadLetter

EVENT = "dead_letter"

HEADER_TOPIC = "__connect.errors.topic"
HEADER_PARTITION = "__connect.errors.partition"
HEADER_OFFSET = "__connect.errors.offset"
HEADER_STAGE = "__connect.errors.stage"
HEADER_CLASS_NAME = "__connect.errors.class.name"
HEADER_CODE = "__connect.errors.exception.class.name"
HEADER_REASON = "__connect.errors.exception.message"

_STAGE = "moderation"
_OVERHEAD_BYTES = 4096
"""More than everything else in the message takes: the other fields, our own headers, Kafka's framing."""


class DeadLetterCodec:
    """DeadLetter to bytes and back."""

    def __init__(self, records: RecordCodec, *, max_value_bytes: int) -> None:
        self._records = records
        self._max_value_bytes = max_value_bytes

    def encode(self, event: DeadLetter) -> bytes:
        """The framed bytes. Instants are rounded down to the millisecond.

        A letter that would exceed the largest message is shortened (`fitting`) rather than refused: what cannot be
        processed must never be lost because it is large as well.

        Raises:
            InvalidMessage: a value does not fit its field.
        """
        return self._records.encode(to_record(fitting(event, self._max_value_bytes)))

    def decode(self, value: bytes | None) -> DeadLetter:
        """The dead letter in a message's value.

        Raises:
            InvalidMessage: the value holds no dead letter.
        """
        record = self._records.decode(value)
        headers = tuple((header["name"], header["value"]) for header in record.pop("headers"))
        return DeadLetter(**record, headers=headers)


def to_record(event: DeadLetter) -> Record:
    """The dead letter as its schema has it."""
    return {
        "code": event.code,
        "reason": event.reason,
        "topic": event.topic,
        "partition": event.partition,
        "offset": event.offset,
        "timestamp": event.timestamp,
        "key": event.key,
        "value": event.value,
        "headers": [{"name": name, "value": value} for name, value in event.headers],
        "application_version": event.application_version,
        "failed_at": event.failed_at,
    }


def fitting(letter: DeadLetter, max_bytes: int) -> DeadLetter:
    """The letter itself when its message takes at most `max_bytes`; otherwise without value, then also without headers.

    The reason says so, and the key goes with the headers. The original stays in its topic, at the offset that the
    letter names, for as long as that topic keeps it.
    """
    if _size(letter) <= max_bytes:
        return letter
    size = len(letter.value or b"")
    note = f"{letter.reason} (the value, {size} bytes, was too large to be kept here; read it from its topic)"
    shorter = replace(letter, value=None, reason=note)
    return shorter if _size(shorter) <= max_bytes else replace(shorter, key=None, headers=())


def error_headers(letter: DeadLetter) -> dict[str, bytes]:
    """Kafka Connect's headers of a dead letter."""
    return {
        HEADER_TOPIC: letter.topic.encode(),
        HEADER_PARTITION: str(letter.partition).encode(),
        HEADER_OFFSET: str(letter.offset).encode(),
        HEADER_STAGE: _STAGE.encode(),
        HEADER_CLASS_NAME: f"voice-moderation/{letter.application_version}".encode(),
        HEADER_CODE: letter.code.encode(),
        HEADER_REASON: letter.reason.encode(),
    }


def _size(letter: DeadLetter) -> int:
    """An upper bound of the whole message, in bytes: key, reason and topic are in the value and beside it."""
    headers = sum(len(name.encode()) + len(value or b"") + 12 for name, value in letter.headers)
    twice = len(letter.key or b"") + len(letter.reason.encode()) + len(letter.topic.encode())
    return 2 * twice + len(letter.value or b"") + headers + _OVERHEAD_BYTES
