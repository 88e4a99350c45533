"""Clips of the package through a broker, and what came of them."""

import asyncio
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from moderation.audio.files import read_audio_file
from moderation.client.producer import AudioProducer, StreamSource
from moderation.client.reader import EventReader, Received
from moderation.events import AudioEncoding, ModerationFlag, Transcript
from moderation.settings import Settings

T = TypeVar("T")
CLIPS = files("moderation") / "demo" / "clips"
DEADLINE_S = 60.0


def clip(name: str) -> Path:
    """The file of a clip."""
    return Path(str(CLIPS / f"{name}.ogg"))


async def play(
    settings: Settings, name: str, encoding: AudioEncoding = AudioEncoding.OPUS, *, hint: str | None = "en"
) -> str:
    """Send a clip as a stream of its own, as fast as the broker takes it; returns the stream id."""
    stream_id = f"{name}-{uuid4().hex[:6]}"
    source = StreamSource(
        tenant_id="acme", session_id="match-1", stream_id=stream_id, speaker_id=f"{name}-speaker", language_hint=hint
    )
    async with AudioProducer(settings) as producer:
        await producer.play(source, read_audio_file(clip(name)), encoding=encoding, speed=0)
    return stream_id


async def first(events: EventReader[T], wanted: Callable[[Received[T]], bool]) -> Received[T]:
    """The first event that is wanted, from the beginning of its topic."""
    async with asyncio.timeout(DEADLINE_S), events as reader:
        async for item in reader.received():
            if isinstance(item, Received) and wanted(item):
                return item
    raise AssertionError("the topic ended")


async def flag_of(settings: Settings, stream_id: str) -> Received[ModerationFlag]:
    """The first final flag of a stream."""
    reader = EventReader.flags(settings, follow=True, beginning=True)
    return await first(reader, lambda item: item.event.identity.stream_id == stream_id and not item.event.provisional)


async def transcript_of(settings: Settings, stream_id: str) -> Received[Transcript]:
    reader = EventReader.transcripts(settings, follow=True, beginning=True)
    return await first(reader, lambda item: item.event.identity.stream_id == stream_id)
