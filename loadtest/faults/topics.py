"""What a run left in its topics, read from their beginnings to their ends."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from loadtest.faults.poison import HEADER
from moderation.contracts.codecs import Codecs
from moderation.events import DeadLetter, ModerationFlag, Transcript
from moderation.settings import StreamingSettings

E = TypeVar("E")
T = TypeVar("T")

POLL_S = 1.0
QUIET_S = 2
Place = tuple[int, int]
"""Partition and offset in the audio topic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNames:
    """The group and the topics of a run."""

    group_id: str
    audio: str
    transcripts: str
    flags: str
    dead_letters: str

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> "RunNames":
        """From variables without prefix, as `loadtest.processes.own_names` gives them."""
        streaming = StreamingSettings(
            **{name.removeprefix("STREAMING__").lower(): value for name, value in variables.items()}
        )
        return cls(
            group_id=streaming.group_id,
            audio=streaming.audio_topic,
            transcripts=streaming.transcripts_topic,
            flags=streaming.flags_topic,
            dead_letters=streaming.dead_letters_topic,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Published(Generic[E]):
    """An event with the instant at which its producer sent it, in seconds since 1970."""

    event: E
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Everything a run's workers published, in the order of each partition."""

    transcripts: Sequence[Published[Transcript]]
    flags: Sequence[Published[ModerationFlag]]
    dead_letters: Sequence[Published[DeadLetter]]


async def read_outputs(bootstrap_servers: str, names: RunNames, codecs: Codecs) -> Outputs:
    """Read the three topics of results. Final transcripts only."""
    transcripts = await read_topic(bootstrap_servers, names.transcripts, lambda m: _event(codecs.transcripts.decode, m))
    return Outputs(
        transcripts=[item for item in transcripts if item.event.is_final],
        flags=await read_topic(bootstrap_servers, names.flags, lambda m: _event(codecs.flags.decode, m)),
        dead_letters=await read_topic(
            bootstrap_servers, names.dead_letters, lambda m: _event(codecs.dead_letters.decode, m)
        ),
    )


async def read_poison(bootstrap_servers: str, names: RunNames) -> set[Place]:
    """Where poison lies in the audio topic, messages that were written twice included."""
    places = await read_topic(bootstrap_servers, names.audio, _place_of_poison)
    return {place for place in places if place is not None}


def _event(decode: Callable[[bytes | None], Any], message: Any) -> Published[Any]:
    return Published(event=decode(message.value), at=message.timestamp / 1000)


def _place_of_poison(message: Any) -> Place | None:
    return (message.partition, message.offset) if any(name == HEADER for name, _ in message.headers) else None


async def read_topic(bootstrap_servers: str, topic: str, read: Callable[[Any], T]) -> list[T]:
    """Every message of a topic that nobody writes to any more, each partition in order.

    The embedded broker tells too small an end where the last batch of a partition holds several messages; so this goes
    on until nothing has come for QUIET_S.
    """
    found: dict[int, list[T]] = {}
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers, enable_auto_commit=False, fetch_max_wait_ms=100, max_poll_records=2000
    ) as consumer:
        ends = await _ends(consumer, topic)
        consumer.assign(list(ends))
        await consumer.seek_to_beginning(*ends)
        is_behind = any(ends.values())
        while (batch := await consumer.getmany(timeout_ms=QUIET_S * 1000)) or is_behind:
            for partition, messages in batch.items():
                found.setdefault(partition.partition, []).extend(map(read, messages))
            if not batch or is_behind:
                positions = {partition: await consumer.position(partition) for partition in ends}
                is_behind = any(positions[partition] < end for partition, end in ends.items())
    return [item for partition in sorted(found) for item in found[partition]]


async def _ends(consumer: AIOKafkaConsumer, topic: str) -> dict[TopicPartition, int]:
    await consumer.topics()  # fetches the metadata that partitions_for_topic answers from
    partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
    return dict(await consumer.end_offsets(partitions))


async def until_committed(
    bootstrap_servers: str,
    names: RunNames,
    ends: Mapping[int, int],
    *,
    patience_s: float,
    on_lag: Callable[[int], None],
) -> int:
    """Wait until the group has committed up to `ends` (partition to the offset after its last message).

    Returns: 0, or the messages that it has not when nothing was committed for `patience_s`; -1 when the broker did not
    say.
    """
    least, moved_s = None, time.monotonic()
    while lag := await _lag(bootstrap_servers, names, ends):
        on_lag(lag)
        if least is None or 0 <= lag < least:
            least, moved_s = lag, time.monotonic()
        if time.monotonic() - moved_s > patience_s:
            return lag
        await asyncio.sleep(POLL_S)
    return 0


async def _lag(bootstrap_servers: str, names: RunNames, ends: Mapping[int, int]) -> int:
    # A consumer that names the group but subscribes to nothing asks for its commits and does not join it. (The admin
    # client asks in a version that the embedded broker answers otherwise than aiokafka reads it.)
    try:
        async with AIOKafkaConsumer(
            bootstrap_servers=bootstrap_servers, group_id=names.group_id, enable_auto_commit=False
        ) as consumer:
            partitions = [TopicPartition(names.audio, number) for number in ends]
            consumer.assign(partitions)
            committed = {partition.partition: await consumer.committed(partition) or 0 for partition in partitions}
    except KafkaError:
        return -1
    return sum(max(0, end - committed[number]) for number, end in ends.items())
