"""A broker that goes away while audio is played."""

import asyncio

import numpy as np
import pytest

from moderation.audio.utterance import SAMPLE_RATE_HZ
from moderation.broker.embedded import EmbeddedBroker
from moderation.client.admin import apply_topics
from moderation.client.producer import AudioProducer, StreamSource
from moderation.errors import TransientError
from moderation.events import AudioChunk, AudioEncoding
from moderation.settings import KafkaSettings, Settings, StreamingSettings

pytestmark = pytest.mark.integration


async def test_playing_fails_within_its_own_deadline_and_closing_does_not_wait_for_the_broker() -> None:
    broker = EmbeddedBroker()
    await asyncio.to_thread(broker.start)
    settings = Settings(
        broker=broker.bootstrap_servers,
        kafka=KafkaSettings(request_timeout_s=600),
        streaming=StreamingSettings(publish_timeout_s=0.5),
    )
    source = StreamSource(tenant_id="t", session_id="s", stream_id="s/1", speaker_id="p")
    sent = []

    def stop_after_two(chunk: AudioChunk) -> None:
        sent.append(chunk.sequence)
        if len(sent) == 2:
            broker.stop()

    try:
        await apply_topics(settings)
        # Without bounds of our own both would wait for the request timeout.
        async with asyncio.timeout(30), AudioProducer(settings) as producer:
            with pytest.raises(TransientError, match="did not confirm chunk 2"):
                await producer.play(
                    source,
                    [np.zeros(SAMPLE_RATE_HZ, dtype=np.float32)],
                    encoding=AudioEncoding.PCM_S16LE,
                    speed=0,
                    on_chunk=stop_after_two,
                )
    finally:
        await asyncio.to_thread(broker.stop)
    assert sent == [0, 1]
