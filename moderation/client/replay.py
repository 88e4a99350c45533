"""Publish dead letters to their source topics again, each once, however many operators try.

The order of writes decides what a crash costs. A letter is claimed in the ledger, published, and entered as replayed
once the broker confirmed it. A run that dies after publishing and before the entry leaves a claim that runs out: the
next run publishes that one letter again. So it errs towards twice, never towards not at all: a doubled chunk has the
sequence and instant of the first one and gives the same ids, a chunk that nobody replays is lost without a trace.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import islice
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from moderation.client.admin import require_topics
from moderation.client.connection import connected, kafka_arguments
from moderation.client.letters import Letter
from moderation.client.replay_ledger import ReplayLedger
from moderation.client.replay_plan import Outcome, replay_headers, target_partition
from moderation.clock import Clock, SystemClock
from moderation.contracts.codecs import load_codecs
from moderation.errors import InvalidMessage, TransientError
from moderation.events import DeadLetter
from moderation.settings import Settings

BATCH_LETTERS = 50
"""Letters claimed, and held in memory, at once: at most this times MODERATION_KAFKA__MAX_MESSAGE_BYTES."""
CLOSE_DEADLINE_S = 5.0
_POLL_MS = 200

OnOutcome = Callable[[Letter, Outcome], None]


async def replay_letters(
    settings: Settings,
    letters: Sequence[Letter],
    *,
    again: bool = False,
    on_outcome: OnOutcome | None = None,
    clock: Clock | None = None,
) -> Counter[Outcome]:
    """Publish planned letters in their order, awaiting confirmation of each; returns how many came to what.

    Without `again` a letter that another run replayed meanwhile is left out. `on_outcome` is told of each letter.

    Raises:
        ConfigurationError: no broker can be reached, or a source topic or the ledger's does not exist.
        TransientError: the broker did not confirm in time; what was told to `on_outcome` is done.
    """
    streaming, clock = settings.streaming, clock or SystemClock()
    sources = {letter.topic for letter in letters}
    await require_topics(settings, {*sources, streaming.replays_topic, streaming.dead_letters_topic})
    counts: Counter[Outcome] = Counter()
    async with _producer(settings) as producer, _consumer(settings) as reading, _consumer(settings) as following:
        send = partial(_send, producer, streaming.publish_timeout_s, settings.bootstrap_servers)
        ledger = ReplayLedger(settings, following, send, run_id=str(uuid4()))
        run = _Run(settings, ledger, reading, send, clock, again=again)
        for topic in sorted(sources):
            run.partitions[topic] = sorted(await producer.partitions_for(topic))
        remaining = iter(letters)
        while batch := list(islice(remaining, BATCH_LETTERS)):
            async for letter, outcome in run.batch(batch):
                counts[outcome] += 1
                if on_outcome:
                    on_outcome(letter, outcome)
    return counts


class _Run:
    """One run over connected clients."""

    def __init__(
        self,
        settings: Settings,
        ledger: ReplayLedger,
        reading: AIOKafkaConsumer,
        send: Callable[..., Any],
        clock: Clock,
        *,
        again: bool,
    ) -> None:
        self._topic = settings.streaming.dead_letters_topic
        self._codec = load_codecs(settings).dead_letters
        self._ledger = ledger
        self._reading = reading
        self._send = send
        self._clock = clock
        self._again = again
        self.partitions: dict[str, list[int]] = {}
        """Of each source topic."""

    async def batch(self, letters: list[Letter]) -> AsyncIterator[tuple[Letter, Outcome]]:
        """Publish letters in order; what is not published, for whatever reason, is released."""
        originals = await self._fetch(letters)
        open_letters = dict.fromkeys(letters)
        try:
            await self._ledger.claim(letters, self._clock.now())
            for letter in letters:
                outcome = await self._one(letter, originals.get(letter.letter_id))
                if outcome is Outcome.REPLAYED:
                    del open_letters[letter]
                yield letter, outcome
        finally:
            # Where the broker does not confirm this either, the claims run out.
            with suppress(TransientError):
                await self._ledger.release(open_letters, self._clock.now())

    async def _one(self, letter: Letter, original: DeadLetter | None) -> Outcome:
        if self._ledger.was_replayed(letter) and not self._again:
            return Outcome.ALREADY_REPLAYED
        if not self._ledger.holds(letter, self._clock.now()):
            return Outcome.RESERVED
        if original is None:
            return Outcome.GONE
        if original.value is None:
            return Outcome.NO_VALUE
        try:
            await self._send(
                letter.topic,
                original.value,
                key=original.key,
                partition=target_partition(original, self.partitions[letter.topic]),
                headers=list(replay_headers(original, letter.letter_id)),
            )
        except MessageSizeTooLargeError:
            return Outcome.TOO_LARGE
        await self._ledger.replayed(letter, self._clock.now())
        return Outcome.REPLAYED

    async def _fetch(self, letters: Iterable[Letter]) -> dict[str, DeadLetter]:
        """The letters whole, by id; those that the topic no longer keeps are missing."""
        wanted: dict[int, dict[int, Letter]] = {}
        for letter in letters:
            wanted.setdefault(letter.place.partition, {})[letter.place.offset] = letter
        found: dict[str, DeadLetter] = {}
        for number, by_offset in wanted.items():
            async for offset, value in self._values(
                TopicPartition(self._topic, number), min(by_offset), max(by_offset)
            ):
                if (wanted_letter := by_offset.get(offset)) is not None:
                    try:
                        found[wanted_letter.letter_id] = self._codec.decode(value)
                    except InvalidMessage:
                        continue
        return found

    async def _values(self, partition: TopicPartition, first: int, last: int) -> AsyncIterator[tuple[int, bytes]]:
        reading = self._reading
        reading.assign([partition])
        start = (await reading.beginning_offsets([partition]))[partition]
        reading.seek(partition, max(first, start))
        while await reading.position(partition) <= last:
            for message in (await reading.getmany(partition, timeout_ms=_POLL_MS)).get(partition, []):
                if message.offset <= last:
                    yield message.offset, message.value


async def _send(
    producer: AIOKafkaProducer, timeout_s: float, bootstrap: str, topic: str, value: bytes, **options: Any
) -> None:
    try:
        await asyncio.wait_for(producer.send_and_wait(topic, value, **options), timeout_s)
    except MessageSizeTooLargeError:
        raise
    except (KafkaError, TimeoutError) as error:
        raise TransientError(
            f"the broker at {bootstrap} did not confirm a message of {topic} within {timeout_s:g} s "
            f"({type(error).__name__}); check that it is up, and run the same command again: it goes on with the rest"
        ) from None


@asynccontextmanager
async def _producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        **kafka_arguments(settings), acks="all", max_request_size=settings.kafka.max_message_bytes
    )

    async def close() -> None:
        try:
            await asyncio.wait_for(producer.stop(), CLOSE_DEADLINE_S)
        except TimeoutError:
            await producer._sender.close()  # noqa: SLF001  there is no public way to give up
            await producer.client.close()

    async with connected(producer, settings, close):
        yield producer


@asynccontextmanager
async def _consumer(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        **kafka_arguments(settings),
        group_id=None,
        enable_auto_commit=False,
        fetch_max_wait_ms=settings.kafka.fetch_max_wait_ms,
        max_partition_fetch_bytes=settings.kafka.max_message_bytes,
    )
    async with connected(consumer, settings, consumer.stop):
        yield consumer
