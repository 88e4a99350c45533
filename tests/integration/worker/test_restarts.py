"""Workers that die or are told to stop while people talk: nothing is lost, and what is told twice is the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from itertools import count
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from aiokafka.partitioner import DefaultPartitioner
from support.running import running_worker, settings_for, stop

from moderation.audio.files import read_audio_file
from moderation.audio.utterance import SAMPLE_RATE_HZ, Samples
from moderation.client.admin import apply_topics
from moderation.client.producer import AudioProducer, StreamSource
from moderation.client.reader import EventReader
from moderation.events import AudioEncoding, Transcript
from moderation.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

PARTITIONS = 12
TALK = ("clean-library", "clean-homework", "clean-album")
PAUSE = np.zeros(round(0.9 * SAMPLE_RATE_HZ), np.float32)
DEADLINE_S = 60.0


def talk(*names: str) -> Samples:
    """Clips with pauses that end an utterance each."""
    clips = (
        np.concatenate(list(read_audio_file(Path(str(files("moderation") / f"demo/clips/{n}.ogg"))))) for n in names
    )
    return np.concatenate([part for clip in clips for part in (clip, PAUSE)])


def stream_in(partition: int) -> str:
    """A new stream id whose chunks go to a partition."""
    prefix, choose = uuid4().hex[:6], DefaultPartitioner()
    places = list(range(PARTITIONS))
    return next(s for n in count() if choose((s := f"{prefix}-{n}").encode(), places, places) == partition)


async def play(settings: Settings, stream_id: str, audio: Samples, *, speed: float, after_s: float = 0) -> None:
    await asyncio.sleep(after_s)
    source = StreamSource(
        tenant_id="acme", session_id="match-1", stream_id=stream_id, speaker_id="anna", language_hint="en"
    )
    async with AudioProducer(settings) as producer:
        await producer.play(source, [audio], encoding=AudioEncoding.PCM_S16LE, speed=speed)


@asynccontextmanager
async def listening(settings: Settings) -> AsyncIterator[list[Transcript]]:
    """What is published while the context lasts, growing."""
    told: list[Transcript] = []

    async def listen() -> None:
        async with EventReader.transcripts(settings, follow=True, beginning=True) as reader:
            async for item in reader:
                told.append(item)  # noqa: PERF401  it is read while it grows

    task = asyncio.create_task(listen())
    try:
        yield told
    finally:
        task.cancel()
        await asyncio.wait([task])


def spans(told: list[Transcript], stream_id: str) -> list[tuple[int, int]]:
    """The chunks of each distinct transcript of a stream, in order."""
    mine = {t.utterance_id: (t.first_sequence, t.last_sequence) for t in told if t.identity.stream_id == stream_id}
    return sorted(mine.values())


async def until_told(told: list[Transcript], *streams: str, utterances: int = len(TALK)) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while any(len(spans(told, stream)) < utterances for stream in streams):  # noqa: ASYNC110  nothing tells
            await asyncio.sleep(0.1)


@pytest.fixture
def settings(bootstrap: str) -> Settings:
    settings = settings_for(bootstrap, uuid4().hex[:8])
    asyncio.run(apply_topics(settings))
    return settings


async def test_a_killed_worker_loses_nothing_and_its_successor_tells_the_same(
    settings: Settings, tmp_path: Path
) -> None:
    first, second, undisturbed = stream_in(0), stream_in(1), stream_in(2)
    async with listening(settings) as told:
        with running_worker(settings, tmp_path) as worker:
            playing = asyncio.gather(
                play(settings, first, talk(*TALK), speed=1.0),
                play(settings, second, talk(*TALK), speed=1.0, after_s=1.4),
            )
            await until_told(told, first, utterances=1)
            await asyncio.sleep(1.0)
            worker.kill()
            worker.wait()
        await playing
        (tmp_path / "ready").unlink()
        with running_worker(settings, tmp_path):
            await play(settings, undisturbed, talk(*TALK), speed=0)
            await until_told(told, first, second, undisturbed)
            await asyncio.sleep(1.0)
    assert spans(told, first) == spans(told, second) == spans(told, undisturbed)


async def test_a_worker_told_to_stop_while_people_talk_loses_nothing(settings: Settings, tmp_path: Path) -> None:
    stream, undisturbed = stream_in(4), stream_in(5)
    async with listening(settings) as told:
        with running_worker(settings, tmp_path) as worker:
            playing = asyncio.create_task(play(settings, stream, talk(*TALK), speed=1.0))
            await until_told(told, stream, utterances=1)
            await asyncio.sleep(1.0)
            assert await asyncio.to_thread(stop, worker) == 0
        await playing
        with running_worker(settings, tmp_path):
            await play(settings, undisturbed, talk(*TALK), speed=0)
            await until_told(told, stream, undisturbed)
    assert spans(told, stream) == spans(told, undisturbed)
