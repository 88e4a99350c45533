"""Good audio that became dead letters is transcribed once it is replayed."""

import asyncio
import json
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from click.testing import CliRunner
from support.running import environment_of
from support.voices import play, transcript_of

from moderation.cli.group import moderation
from moderation.client.admin import apply_topics
from moderation.client.connection import kafka_arguments
from moderation.client.reader import EventReader, Received
from moderation.clock import SystemClock
from moderation.contracts.codecs import load_codecs
from moderation.events import DeadLetter
from moderation.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


class Undecoded:
    """Values as they are."""

    def decode(self, value: bytes | None) -> bytes:
        assert value is not None
        return value


async def test_chunks_that_became_dead_letters_although_good_are_transcribed_after_a_replay(
    settings: Settings, worker_log: object
) -> None:
    aside = settings.streaming.model_copy(update={"audio_topic": f"aside-{uuid4().hex[:8]}"})
    elsewhere = settings.model_copy(update={"streaming": aside})
    await apply_topics(elsewhere)
    stream_id = await play(elsewhere, "clean-homework")
    reader = EventReader(elsewhere, topic=aside.audio_topic, decoder=Undecoded())
    async with reader:
        chunks = [item async for item in reader.received() if isinstance(item, Received)]
    await give_up(settings, chunks)

    arguments = ("dead-letters", "replay", "--code", "processing_failed", "--json")
    environment: dict[str, str | None] = dict(environment_of(settings))
    replayed = await asyncio.to_thread(CliRunner().invoke, moderation, arguments, env=environment)
    assert (replayed.exit_code, json.loads(replayed.stdout)) == (0, {"replayed": len(chunks)})
    assert (await transcript_of(settings, stream_id)).event.text


async def give_up(settings: Settings, chunks: list[Received[bytes]]) -> None:
    """Publish dead letters about chunks, as a worker whose engine was broken would."""
    codec, topic = load_codecs(settings).dead_letters, settings.streaming.dead_letters_topic
    async with AIOKafkaProducer(**kafka_arguments(settings)) as producer:
        for chunk in chunks:
            letter = DeadLetter(
                code="processing_failed",
                reason="an engine was broken",
                topic=settings.streaming.audio_topic,
                partition=chunk.partition,
                offset=chunk.offset,
                timestamp=chunk.timestamp,
                key=chunk.key,
                value=chunk.event,
                headers=chunk.headers,
                application_version="0",
                failed_at=SystemClock().now(),
            )
            await producer.send_and_wait(topic, codec.encode(letter), key=letter.key)
