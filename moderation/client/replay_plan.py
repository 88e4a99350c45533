"""Which dead letters are published again, and where to: pure decisions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from aiokafka.partitioner import DefaultPartitioner

from moderation.client.letters import Letter
from moderation.contracts.replay import REPLAY_OF
from moderation.events import DeadLetter

Headers = tuple[tuple[str, bytes | None], ...]


class Outcome(StrEnum):
    """What became of a chosen dead letter."""

    REPLAYED = "replayed"
    ALREADY_REPLAYED = "already_replayed"
    FAILED_REPLAY = "failed_replay"
    """It is a replay that failed again."""
    NO_VALUE = "no_value"
    """The original had no value, or one too large to be kept."""
    OTHER_TOPIC = "other_topic"
    """It was read from a topic that was not named."""
    RESERVED = "reserved"
    """Another run is publishing it."""
    TOO_LARGE = "too_large"
    """The broker, or MODERATION_KAFKA__MAX_MESSAGE_BYTES, does not take it."""
    GONE = "gone"
    """Its topic no longer keeps it."""


DONE = frozenset({Outcome.REPLAYED, Outcome.ALREADY_REPLAYED, Outcome.FAILED_REPLAY})
"""Outcomes that leave nothing to do: a letter is replayed once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The letters to publish, in the order of their source partitions, and those that are left out, with why."""

    letters: tuple[Letter, ...]
    left_out: tuple[tuple[Letter, Outcome], ...]


def plan_replay(letters: Iterable[Letter], *, topics: frozenset[str], replayed: frozenset[str], again: bool) -> Plan:
    """Divide distinct letters. `topics` may be written to; `replayed` are the ids of letters that were replayed.

    With `again`, letters that were replayed, and replays that failed again, are published all the same.
    """
    chosen, left_out = [], []
    for letter in letters:
        why = _left_out(letter, topics, replayed, again=again)
        if why is None:
            chosen.append(letter)
        else:
            left_out.append((letter, why))
    chosen.sort(key=lambda letter: (letter.topic, letter.partition, letter.offset))
    return Plan(letters=tuple(chosen), left_out=tuple(left_out))


def target_partition(letter: DeadLetter, partitions: Sequence[int]) -> int:
    """Where a letter goes: the partition it came from, while the topic still has that; else where its key leads.

    The original partition is where the producer's own partitioner, which need not be ours, had put the stream: so all
    its chunks meet in one partition, in order, also after partitions were added.
    """
    available = sorted(partitions)
    if letter.partition in available:
        return letter.partition
    if letter.key is None:
        return available[letter.partition % len(available)]
    partition: int = DefaultPartitioner()(letter.key, available, available)
    return partition


def replay_headers(letter: DeadLetter, letter_id: str) -> Headers:
    """The original headers and the marker; the marker of an earlier replay gives way."""
    return (*((n, v) for n, v in letter.headers if n != REPLAY_OF), (REPLAY_OF, letter_id.encode()))


def _left_out(letter: Letter, topics: frozenset[str], replayed: frozenset[str], *, again: bool) -> Outcome | None:
    if letter.topic not in topics:
        return Outcome.OTHER_TOPIC
    if letter.size_bytes is None:
        return Outcome.NO_VALUE
    if again:
        return None
    if letter.letter_id in replayed:
        return Outcome.ALREADY_REPLAYED
    return None if letter.replay_of is None else Outcome.FAILED_REPLAY
