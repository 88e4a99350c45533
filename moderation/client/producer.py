"""Play audio into Kafka as live voice-chat streams."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from moderation.audio.encode import ChunkEncoder
from moderation.audio.utterance import SAMPLE_RATE_HZ, Samples
from moderation.client.admin import require_topics
from moderation.client.connection import connected, kafka_arguments
from moderation.client.playback import Playback, Played, StreamSource, TrackFormat
from moderation.clock import Clock, SystemClock
from moderation.contracts.cloudevents import cloud_event_headers
from moderation.contracts.codecs import load_codecs
from moderation.contracts.keys import key_of
from moderation.errors import ConfigurationError, TransientError
from moderation.events import AudioChunk, AudioEncoding
from moderation.settings import Settings

__all__ = ["AudioProducer", "Played", "StreamSource"]

SOURCE = "/voice-moderation/client"
"""The CloudEvents source of what we send."""
RECOMMENDED_CHUNK_MS = 200
CLOSE_DEADLINE_S = 2.0
"""How long closing waits for messages that are under way; every one of them has a caller that was told already."""


class AudioProducer:
    """Sends chunks and plays whole tracks; an asynchronous context manager. Any number of tracks may play at once.

    Without Kafka's idempotence (not every broker has it), so a chunk may arrive twice after a hiccup; its sequence says
    so, and workers skip it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._codec = load_codecs(settings).audio_chunks
        self._clock = clock or SystemClock()
        self._sleep = sleep
        self._stack = AsyncExitStack()
        self._producer: AIOKafkaProducer | None = None

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            ConfigurationError: no broker can be reached, or the audio topic does not exist.
        """
        settings = self._settings
        await require_topics(settings, [settings.streaming.audio_topic])
        producer = AIOKafkaProducer(
            **kafka_arguments(settings), acks="all", max_request_size=settings.kafka.max_message_bytes
        )
        self._producer = await self._stack.enter_async_context(connected(producer, settings, partial(_close, producer)))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._producer = None
        await self._stack.aclose()

    async def send(self, chunk: AudioChunk) -> None:
        """Return once the broker has confirmed the chunk. Concurrent calls for one stream may overtake each other.

        Raises:
            InvalidMessage: the chunk breaks a rule of the contract.
            TransientError: not confirmed in time; it may or may not have been written.
        """
        if self._producer is None:
            raise ConfigurationError("the producer is not connected; use it in an `async with` block")
        value = self._codec.encode(chunk)
        headers = list(cloud_event_headers(chunk, source=SOURCE).items())
        timeout_s = self._settings.streaming.publish_timeout_s
        try:
            await asyncio.wait_for(
                self._producer.send_and_wait(
                    self._settings.streaming.audio_topic, value, key=key_of(chunk), headers=headers
                ),
                timeout_s,
            )
        except (KafkaError, TimeoutError) as error:
            raise TransientError(
                f"the broker at {self._settings.bootstrap_servers} did not confirm chunk {chunk.sequence} of a stream "
                f"within {timeout_s:g} s ({type(error).__name__}); check that it is up and takes messages of this size"
            ) from None

    async def play(
        self,
        source: StreamSource,
        blocks: Iterable[Samples],
        *,
        encoding: AudioEncoding = AudioEncoding.OPUS,
        chunk_ms: int = RECOMMENDED_CHUNK_MS,
        speed: float = 1.0,
        on_chunk: Callable[[AudioChunk], None] | None = None,
    ) -> Played:
        """Play mono 16 kHz blocks as a live stream, end of stream included.

        `speed` 1 is real time; 0 sends as fast as the broker confirms. `on_chunk` is told of every confirmed chunk.

        Raises:
            InvalidMessage: an id or the language hint breaks a rule of the contract.
            TransientError: the broker did not confirm a chunk in time.
            ConfigurationError: the audio cannot be read, or the encoding cannot be written.
        """

        async def send(chunk: AudioChunk) -> None:
            await self.send(chunk)
            if on_chunk:
                on_chunk(chunk)

        track = TrackFormat(encoding=encoding, sample_rate_hz=SAMPLE_RATE_HZ, chunk_ms=chunk_ms)
        encoder = ChunkEncoder(encoding, SAMPLE_RATE_HZ, chunk_ms)
        playback = Playback(source, track, clock=self._clock, sleep=self._sleep, speed=speed)
        return await playback.run(blocks, encoder, send)


async def _close(producer: AIOKafkaProducer) -> None:
    try:
        await asyncio.wait_for(producer.stop(), CLOSE_DEADLINE_S)
    except TimeoutError:
        # Left alone, stop() waits for a broker that is gone until the request timeout; then nothing is closed yet.
        await producer._sender.close()  # noqa: SLF001  there is no public way to give up
        await producer.client.close()
