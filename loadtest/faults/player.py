"""Plays the streams of a run in real time, or faster, and sends poison between them."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from loadtest.faults.poison import make_poison
from loadtest.faults.script import StreamScript
from moderation.contracts.cloudevents import cloud_event_headers
from moderation.contracts.codecs import Codecs

SOURCE = "/voice-moderation/loadtest"
RETRY_PAUSE_S = 0.2


@dataclass(slots=True)
class Sent:
    """What was sent."""

    chunks: int = 0
    poison: int = 0
    retries: int = 0
    """Messages sent again because the broker's answer did not come; it may have them twice."""
    late_ms_max: float = 0.0
    """How late a chunk was, for want of CPU; what waited for the broker is not counted."""
    partition_of: dict[str, int] = field(default_factory=dict)
    """Stream id to partition."""
    ends: dict[int, int] = field(default_factory=dict)
    """Partition to the offset after the last message that the broker confirmed."""


class Player:
    """Plays scripts into a topic; the chunks of a stream in order, whatever the broker does meanwhile."""

    def __init__(self, producer: AIOKafkaProducer, codecs: Codecs, *, topic: str, speed: float = 1.0) -> None:
        self._producer = producer
        self._codecs = codecs
        self._topic = topic
        self._speed = speed
        self.sent = Sent()

    async def play(self, scripts: Sequence[StreamScript], *, begin_s: float, began_at: datetime) -> None:
        """Play to the end. `begin_s` is the start on the monotonic clock, `began_at` the one that chunks tell."""
        async with asyncio.TaskGroup() as group:
            for script in scripts:
                group.create_task(self._stream(script, begin_s, began_at))

    async def poison(self, scripts: Sequence[StreamScript], *, every_s: float, seconds: float, begin_s: float) -> None:
        """Send poison every so many seconds, from half of that on."""
        number = 0
        while (due_s := (number + 0.5) * every_s) < seconds:
            await asyncio.sleep(max(0.0, begin_s + due_s - time.monotonic()))
            alive = [script for script in scripts if script.start_s <= due_s <= script.due_s(script.chunks)]
            poison = make_poison(number, alive or scripts, self._codecs.audio_chunks, datetime.now(UTC))
            await self._send(poison.key, poison.value, poison.headers)
            self.sent.poison += 1
            number += 1

    async def _stream(self, script: StreamScript, begin_s: float, began_at: datetime) -> None:
        free_s = begin_s
        for sequence in range(script.chunks):
            due_s = begin_s + script.due_s(sequence) / self._speed
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            self.sent.late_ms_max = max(self.sent.late_ms_max, (time.monotonic() - max(due_s, free_s)) * 1000)
            chunk = script.chunk(sequence, began_at)
            headers = cloud_event_headers(chunk, source=SOURCE)
            partition = await self._send(
                script.stream_id.encode(), self._codecs.audio_chunks.encode(chunk), list(headers.items())
            )
            self.sent.partition_of[script.stream_id] = partition
            self.sent.chunks += 1
            free_s = time.monotonic()

    async def _send(self, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> int:
        """Send until the broker has confirmed it; the partition."""
        while True:
            try:
                confirmed = await self._producer.send_and_wait(self._topic, key=key, value=value, headers=headers)
                self.sent.ends[confirmed.partition] = max(
                    self.sent.ends.get(confirmed.partition, 0), confirmed.offset + 1
                )
                return int(confirmed.partition)
            except KafkaError:
                self.sent.retries += 1
                await asyncio.sleep(RETRY_PAUSE_S)


def aligned_now(ahead_s: float) -> tuple[float, datetime]:
    """A start on the monotonic clock that lies ahead, and the same instant by the calendar, in whole milliseconds."""
    instant = datetime.now(UTC) + timedelta(seconds=ahead_s)
    return time.monotonic() + ahead_s, instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def hints(scripts: Sequence[StreamScript]) -> Mapping[str, int]:
    """How many streams there are with each language hint."""
    counted: dict[str, int] = {}
    for script in scripts:
        name = script.language_hint or "none"
        counted[name] = counted.get(name, 0) + 1
    return counted
