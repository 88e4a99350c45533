"""How a dead letter that is published again says so, and the ledger of those that were.

The ledger is a compacted topic (`entry_key`), so that every operator sees it and it outlives each of them.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from moderation.contracts.record import Record, RecordCodec

EVENT = "dead_letter_replay"

REPLAY_OF = "moderation-replay-of"
"""Header of a replayed message: the id of the dead letter (its `ce_id`)."""


class ReplayState(StrEnum):
    """What a run of the replay did with a dead letter."""

    CLAIMED = "claimed"
    """It is about to publish it; nobody else may until the claim runs out."""
    REPLAYED = "replayed"
    """The broker confirmed it in its source topic."""
    RELEASED = "released"
    """It did not publish it after all: the claim ends early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterReplay:
    """An entry of the ledger. `topic`, `partition` and `offset` are those of the original message."""

    dead_letter_id: str
    state: ReplayState
    run_id: str
    topic: str
    partition: int
    offset: int
    stated_at: datetime


class DeadLetterReplayCodec:
    """DeadLetterReplay to bytes and back."""

    def __init__(self, records: RecordCodec) -> None:
        self._records = records

    def encode(self, event: DeadLetterReplay) -> bytes:
        """The framed bytes. Instants are rounded down to the millisecond.

        Raises:
            InvalidMessage: a value does not fit its field.
        """
        return self._records.encode(to_record(event))

    def decode(self, value: bytes | None) -> DeadLetterReplay:
        """The entry in a message's value.

        Raises:
            InvalidMessage: the value holds no entry.
        """
        record = self._records.decode(value)
        return DeadLetterReplay(state=ReplayState(record.pop("state")), **record)


def entry_key(entry: DeadLetterReplay) -> bytes:
    """The key of an entry. Claims have keys of their own, so that compaction never lets one replace a `replayed`.

    Both kinds belong into one partition, that of the letter's id, so that their order is known.
    """
    suffix = "" if entry.state is ReplayState.REPLAYED else "/claim"
    return f"{entry.dead_letter_id}{suffix}".encode()


def to_record(event: DeadLetterReplay) -> Record:
    """The entry as its schema has it."""
    return {
        "dead_letter_id": event.dead_letter_id,
        "state": event.state.value,
        "run_id": event.run_id,
        "topic": event.topic,
        "partition": event.partition,
        "offset": event.offset,
        "stated_at": event.stated_at,
    }
