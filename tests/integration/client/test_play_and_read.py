"""What is played arrives, whole and in order, and can be read again by anybody."""

import asyncio
import itertools

import numpy as np
import pytest
from aiokafka import AIOKafkaProducer

from moderation.audio.utterance import SAMPLE_RATE_HZ
from moderation.client.admin import apply_topics
from moderation.client.producer import AudioProducer, StreamSource
from moderation.client.reader import EventReader, Received, Undecodable
from moderation.errors import ConfigurationError, DeadLetterCode, InvalidMessage
from moderation.events import AudioChunk, AudioEncoding
from moderation.settings import Settings

pytestmark = pytest.mark.integration

TONE = (0.3 * np.sin(np.arange(SAMPLE_RATE_HZ) / 20)).astype(np.float32)


def _source(number: int = 1) -> StreamSource:
    return StreamSource(tenant_id="t", session_id="s", stream_id=f"s/{number}", speaker_id=f"p{number}")


async def _play(settings: Settings, encoding: AudioEncoding = AudioEncoding.PCM_S16LE, streams: int = 1) -> None:
    async with AudioProducer(settings) as producer, asyncio.TaskGroup() as group:
        for number in range(1, streams + 1):
            group.create_task(producer.play(_source(number), [TONE], encoding=encoding, speed=0))


async def _read(settings: Settings) -> list[Received[AudioChunk]]:
    async with EventReader.audio(settings) as reader:
        return [message async for message in reader.received() if isinstance(message, Received)]


@pytest.mark.parametrize("encoding", list(AudioEncoding))
async def test_a_track_arrives_whole_and_in_order(settings: Settings, encoding: AudioEncoding) -> None:
    await apply_topics(settings)
    await _play(settings, encoding)
    chunks = [message.event for message in await _read(settings)]
    assert [chunk.sequence for chunk in chunks] == [0, 1, 2, 3, 4, 5]
    assert [chunk.end_of_stream for chunk in chunks] == [False] * 5 + [True]
    assert {chunk.encoding for chunk in chunks} == {encoding}


async def test_messages_are_keyed_by_stream_and_carry_cloudevents(settings: Settings) -> None:
    await apply_topics(settings)
    await _play(settings)
    messages = await _read(settings)
    assert {message.key for message in messages} == {b"s/1"}
    assert {message.partition for message in messages} == {messages[0].partition}
    headers = [dict(message.headers) for message in messages]
    assert {header["ce_type"] for header in headers} == {b"voice.moderation.AudioChunk.v1"}
    assert {header["content-type"] for header in headers} == {b"application/avro"}
    assert len({header["ce_id"] for header in headers}) == 6


async def test_streams_that_play_at_once_each_keep_their_order(settings: Settings) -> None:
    await apply_topics(settings)
    await _play(settings, streams=5)
    by_stream = sorted((m.event for m in await _read(settings)), key=lambda chunk: chunk.stream_id)
    streams = {name: list(chunks) for name, chunks in itertools.groupby(by_stream, key=lambda chunk: chunk.stream_id)}
    assert sorted(streams) == [f"s/{number}" for number in range(1, 6)]
    assert all([chunk.sequence for chunk in chunks] == list(range(6)) for chunks in streams.values())


async def test_a_reader_ends_with_what_was_there_when_it_was_entered(settings: Settings) -> None:
    await apply_topics(settings)
    await _play(settings)
    async with EventReader.audio(settings) as reader:
        await _play(settings, streams=2)
        assert len([chunk async for chunk in reader]) == 6


async def test_a_reader_of_an_empty_topic_ends_at_once(settings: Settings) -> None:
    await apply_topics(settings)
    async with EventReader.flags(settings) as reader:
        assert [flag async for flag in reader] == []


async def test_a_follower_from_the_latest_sees_only_what_comes_later(settings: Settings) -> None:
    await apply_topics(settings)
    await _play(settings)
    seen = []
    async with EventReader.audio(settings, follow=True) as reader:
        await _play(settings, streams=2)
        async for chunk in reader:
            seen.append(chunk)
            if len(seen) == 12:
                break
    assert {chunk.stream_id for chunk in seen} == {"s/1", "s/2"}


async def test_a_follower_from_the_beginning_sees_everything(settings: Settings) -> None:
    await apply_topics(settings)
    await _play(settings)
    seen = 0
    async with EventReader.audio(settings, follow=True, beginning=True) as reader:
        async for _ in reader:
            seen += 1
            if seen == 6:
                break
    assert seen == 6


async def test_a_reader_from_the_latest_that_does_not_follow_has_nothing_to_show(settings: Settings) -> None:
    await apply_topics(settings)
    await _play(settings)
    async with EventReader.audio(settings, beginning=False) as reader:
        assert [chunk async for chunk in reader] == []


async def test_what_cannot_be_decoded_is_told_and_the_rest_goes_on(settings: Settings) -> None:
    await apply_topics(settings)
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers)
    await producer.start()
    await producer.send_and_wait(settings.streaming.audio_topic, b"nonsense", key=b"s/1")
    await producer.stop()
    await _play(settings)
    told: list[Undecodable] = []
    async with EventReader.audio(settings, on_undecodable=told.append) as reader:
        assert len([chunk async for chunk in reader]) == 6
    assert [(message.offset, message.reason.code) for message in told] == [(0, DeadLetterCode.UNKNOWN_FRAMING)]


async def test_a_topic_that_does_not_exist_is_told_and_not_created(settings: Settings) -> None:
    for attempt in range(2):
        with pytest.raises(ConfigurationError, match="moderation topics apply"):
            async with EventReader.flags(settings):
                raise AssertionError(attempt)
        with pytest.raises(ConfigurationError, match="moderation topics apply"):
            async with AudioProducer(settings):
                raise AssertionError(attempt)


async def test_a_chunk_that_breaks_the_contract_is_never_sent(settings: Settings) -> None:
    await apply_topics(settings)
    nameless = StreamSource(tenant_id="", session_id="s", stream_id="s/1", speaker_id="p")
    async with AudioProducer(settings) as producer:
        with pytest.raises(InvalidMessage, match="tenant_id"):
            await producer.play(nameless, [TONE], encoding=AudioEncoding.PCM_S16LE, speed=0)
    assert await _read(settings) == []
