"""Identifiers that a replay gives again: UUIDv5 (RFC 9562) of what makes the thing what it is."""

import json
from datetime import datetime, timedelta
from uuid import UUID, uuid5

NAMESPACE = UUID("5f0c8f0e-7d34-4c0b-9a51-2f0f6c1f9b7d")
"""The namespace of all our identifiers. It never changes: every id ever published depends on it."""

_PLACE = timedelta(milliseconds=100)
"""Two utterances may begin in one chunk, further apart than this. Finer places would make ids depend on the rounding of
samples, which a replay need not repeat at every sample rate."""


def utterance_id(
    *, tenant_id: str, stream_id: str, captured_at: datetime, first_sequence: int, last_sequence: int
) -> str:
    """The id of an utterance whose first chunk was captured at `captured_at`.

    The instant tells a stream id that is used again, with sequence numbers from 0, from its earlier use.
    """
    return _uuid("utterance", tenant_id, stream_id, _milliseconds(captured_at), first_sequence, last_sequence)


def flag_id(
    *,
    tenant_id: str,
    stream_id: str,
    captured_at: datetime,
    first_sequence: int,
    started_at: datetime,
    policy_id: str,
) -> str:
    """The id of the flag that a policy raises about an utterance; all revisions share it.

    It is known as soon as the utterance begins: `captured_at` is the instant of its first chunk, `started_at` that of
    its first sample.
    """
    place = (started_at - captured_at) // _PLACE
    return _uuid("flag", tenant_id, stream_id, _milliseconds(captured_at), first_sequence, place, policy_id)


def chunk_id(*, tenant_id: str, stream_id: str, sequence: int) -> str:
    """The id of a chunk of audio."""
    return _uuid("chunk", tenant_id, stream_id, sequence)


def dead_letter_id(*, topic: str, partition: int, offset: int) -> str:
    """The id of the dead letter about the message at an offset."""
    return _uuid("dead-letter", topic, partition, offset)


def _milliseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def _uuid(*parts: str | int) -> str:
    # JSON keeps the parts apart whatever characters they hold.
    return str(uuid5(NAMESPACE, json.dumps(parts, separators=(",", ":"))))
