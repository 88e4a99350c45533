"""Somebody who goes on talking is flagged meanwhile, and the last word about it comes when they have ended.

What is listed are harmless words of the demo's clips.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from support.running import running_worker, settings_for

from moderation.audio.files import read_audio_file
from moderation.audio.utterance import Samples
from moderation.client.admin import apply_topics
from moderation.client.producer import AudioProducer, StreamSource
from moderation.client.reader import EventReader
from moderation.events import AudioEncoding, ModerationFlag, Severity
from moderation.settings import AsrSettings, LanguageSettings, Settings, VocabularySettings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

DEADLINE_S = 60.0
GO_ON = ("clean-rotate", "game-tower", "clean-flank")
AUDIBLE = 0.02
FATHER = "아버지"
KOREAN = Path(__file__).parents[2] / "data" / "asr" / "korean.ogg"
"""Two utterances; each begins with the word above."""


def clip(name: str) -> Samples:
    """A clip without the silence around it."""
    samples = np.concatenate(list(read_audio_file(Path(str(files("moderation") / f"demo/clips/{name}.ogg")))))
    (loud,) = np.nonzero(np.abs(samples) > AUDIBLE)
    return samples[loud[0] : loud[-1]]


def in_one_go(*names: str) -> Samples:
    silence = np.zeros(8_000, np.float32)
    return np.concatenate([silence, *(clip(name) for name in names), silence])


def listing(settings: Settings, folder: Path, *words: str, language: str = "en") -> Settings:
    """The settings with these words listed, and soon and often listened for."""
    path = folder / f"{'-'.join(words)}.yaml"
    entries = "\n".join(f"  - {{term: {word}, category: listed, severity: high, method: mask}}" for word in words)
    path.write_text(f'name: test\nversion: "1"\ndescription: Test.\nlanguages: [{language}]\nentries:\n{entries}\n')
    often = AsrSettings(interim_from_s=1.5, interim_every_s=1.0, interim_share=1.0)
    return settings.model_copy(update={"asr": often, "vocabulary": VocabularySettings(lists=[path])})


@pytest.fixture
def settings(bootstrap: str) -> Settings:
    settings = settings_for(bootstrap, uuid4().hex[:8])
    asyncio.run(apply_topics(settings))
    return settings


@asynccontextmanager
async def listening(settings: Settings) -> AsyncIterator[list[tuple[float, ModerationFlag]]]:
    """The flags that are published while the context lasts, with the time at which they were seen."""
    told: list[tuple[float, ModerationFlag]] = []

    async def listen() -> None:
        async with EventReader.flags(settings, follow=True, beginning=True) as reader:
            async for flag in reader:
                told.append((time.monotonic(), flag))  # noqa: PERF401  it is read while it grows

    task = asyncio.create_task(listen())
    try:
        yield told
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110  nothing tells
            await asyncio.sleep(0.05)


async def play(settings: Settings, stream_id: str, samples: Samples, *, language: str = "en") -> float:
    """In real time; returns when the last chunk was sent."""
    source = StreamSource(
        tenant_id="acme", session_id="match-1", stream_id=stream_id, speaker_id="anna", language_hint=language
    )
    async with AudioProducer(settings) as producer:
        await producer.play(source, [samples], encoding=AudioEncoding.PCM_S16LE)
    return time.monotonic()


def of(told: list[tuple[float, ModerationFlag]], stream_id: str, *, provisional: bool) -> list[ModerationFlag]:
    flags = [flag for _, flag in told]
    return [flag for flag in flags if flag.identity.stream_id == stream_id and flag.provisional is provisional]


async def test_a_listed_word_is_flagged_while_the_speaker_goes_on_and_the_final_flag_supersedes(
    settings: Settings, tmp_path: Path
) -> None:
    settings = listing(settings, tmp_path, "library")
    async with listening(settings) as told:
        with running_worker(settings, tmp_path):
            ended = await play(settings, "m", in_one_go("clean-library", *GO_ON))
            await until(lambda: bool(of(told, "m", provisional=False)))
    early, (final,) = of(told, "m", provisional=True), of(told, "m", provisional=False)
    assert told[0][0] < ended
    assert {flag.flag_id for flag in early} == {final.flag_id}
    assert max(flag.revision for flag in early) < final.revision
    assert len(early) == 1, "what was told is not told again"
    (first,) = early
    assert first.severity is final.severity is Severity.HIGH
    assert [found.category for found in first.detections] == ["listed"]
    assert "library" not in first.text.lower()
    assert first.evidence.first_offset == final.evidence.first_offset
    assert first.evidence.last_offset < final.evidence.last_offset
    assert (first.started_at, first.start_ms) == (final.started_at, final.start_ms)
    assert first.ended_at < final.ended_at


async def test_an_engine_with_partials_flags_what_they_hold(settings: Settings, tmp_path: Path) -> None:
    settings = listing(settings, tmp_path, FATHER, language="ko").model_copy(
        update={
            "asr": AsrSettings(engines={"ko": ["vosk:ko"]}),
            "language": LanguageSettings(candidates=["ko"], default="ko", identify_audio=False),
        }
    )
    async with listening(settings) as told:
        with running_worker(settings, tmp_path):
            await play(settings, "m", np.concatenate(list(read_audio_file(KOREAN))), language="ko")
            await until(lambda: len(of(told, "m", provisional=False)) == 2)
    early, final = of(told, "m", provisional=True), of(told, "m", provisional=False)
    assert [flag.flag_id for flag in early] == [flag.flag_id for flag in final]
    for first, last in zip(early, final, strict=True):
        assert first.revision < last.revision
        assert FATHER not in first.text


async def test_a_worker_that_is_killed_in_between_leaves_no_provisional_flag_without_a_last_word(
    settings: Settings, tmp_path: Path
) -> None:
    """The successor lists one word less: it confirms one of the flags, and takes the other back."""
    both, one = listing(settings, tmp_path, "library", "kitchen"), listing(settings, tmp_path, "kitchen")
    async with listening(settings) as told:
        with running_worker(both, tmp_path) as worker:
            playing = asyncio.gather(
                play(settings, "withdrawn", in_one_go("clean-library", *GO_ON)),
                play(settings, "confirmed", in_one_go("clean-dinner", *GO_ON)),
            )
            await until(lambda: len({flag.identity.stream_id for _, flag in told}) == 2)
            worker.kill()
            worker.wait()
        assert not playing.done()
        assert all(flag.provisional for _, flag in told)
        await playing
        (tmp_path / "ready").unlink()
        with running_worker(one, tmp_path):
            await until(lambda: all(of(told, stream, provisional=False) for stream in ("withdrawn", "confirmed")))
    for stream, severity in (("withdrawn", Severity.NONE), ("confirmed", Severity.HIGH)):
        early, final = of(told, stream, provisional=True), of(told, stream, provisional=False)
        assert {flag.flag_id for flag in (*early, *final)} == {early[0].flag_id}
        assert max(flag.revision for flag in early) < min(flag.revision for flag in final)
        assert [flag.severity for flag in final] == [severity]
        assert [flag.is_withdrawn for flag in final] == [severity is Severity.NONE]
