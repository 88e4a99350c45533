"""Vosk processes that are killed while someone talks: nothing is lost, and nothing is told differently."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.request import urlopen
from uuid import uuid4

import numpy as np
import pytest
from support.korean_worker import korean_environment

from loadtest.process_tree import Role
from loadtest.processes import StartedWorker
from moderation.audio.files import read_audio_file
from moderation.audio.utterance import SAMPLE_RATE_HZ, Samples
from moderation.client.producer import AudioProducer, StreamSource
from moderation.client.reader import EventReader
from moderation.events import AudioEncoding, Transcript
from moderation.settings import Settings, load_settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

CLIP = Path(__file__).parents[2] / "data" / "asr" / "korean.ogg"
PAUSE = np.zeros(round(0.9 * SAMPLE_RATE_HZ), np.float32)
UTTERANCES = 6
KILLS = 4
DEADLINE_S = 90.0


def talk() -> Samples:
    """The clip, which has two utterances, three times."""
    clip = np.concatenate(list(read_audio_file(CLIP)))
    return np.concatenate([clip, PAUSE] * 3)


async def play(settings: Settings, stream_id: str, *, speed: float) -> None:
    source = StreamSource(
        tenant_id="acme", session_id="match-1", stream_id=stream_id, speaker_id="jisoo", language_hint="ko"
    )
    async with AudioProducer(settings) as producer:
        await producer.play(source, [talk()], encoding=AudioEncoding.PCM_S16LE, speed=speed)


async def told(settings: Settings, *streams: str) -> dict[str, list[Transcript]]:
    """All final transcripts of these streams, in the order of their audio, once each has as many as it should."""
    found: dict[str, dict[tuple[int, int], Transcript]] = {stream: {} for stream in streams}
    async with asyncio.timeout(DEADLINE_S), EventReader.transcripts(settings, follow=True, beginning=True) as reader:
        async for transcript in reader:
            if transcript.identity.stream_id in found:
                place = (transcript.first_sequence, transcript.last_sequence)
                found[transcript.identity.stream_id][place] = transcript
            if all(len(transcripts) >= UTTERANCES for transcripts in found.values()):
                break
    return {stream: [transcripts[place] for place in sorted(transcripts)] for stream, transcripts in found.items()}


async def kill_engines(worker: StartedWorker, *, pause_s: float) -> None:
    """While they hear someone: the next kill finds the process that hears it again, or the next utterance."""
    kills = 0
    async with asyncio.timeout(DEADLINE_S):
        while kills < KILLS and worker.is_running:
            engines = [process.pid for process in worker.processes() if process.role is Role.ENGINE]
            # An engine ends with its utterance, maybe just now.
            with contextlib.suppress(ProcessLookupError):
                for pid in engines[:1]:
                    os.kill(pid, signal.SIGKILL)
                    kills += 1
                    await asyncio.sleep(pause_s)
            await asyncio.sleep(0.05)


def losses(port: int) -> Mapping[str, float]:
    """What the worker counts of processes that died, by label."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        lines = page.read().decode().splitlines()
    return {
        line.split(" ")[0].partition("{")[2]: float(line.split(" ")[1])
        for line in lines
        if line.startswith("moderation_engine_processes_lost_total{")
    }


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def started_with(
    bootstrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Settings, dict[str, str]]]:
    """Settings of a run of its own, for this process and as a worker's environment."""

    def start(**settings: object) -> tuple[Settings, dict[str, str]]:
        environment = korean_environment(bootstrap, tmp_path, **settings)
        for name, value in environment.items():
            if name.startswith("MODERATION_"):
                monkeypatch.setenv(name, value)
        return load_settings(), environment

    return start


async def test_a_stream_whose_engine_processes_are_killed_is_told_as_if_undisturbed(
    started_with: Callable[..., tuple[Settings, dict[str, str]]], tmp_path: Path
) -> None:
    port = free_port()
    settings, environment = started_with(TELEMETRY__METRICS_PORT=port)
    undisturbed, disturbed = f"undisturbed-{uuid4().hex[:6]}", f"disturbed-{uuid4().hex[:6]}"
    with StartedWorker(tmp_path, environment) as worker:
        worker.wait_until_ready()
        await play(settings, undisturbed, speed=0)
        await told(settings, undisturbed)
        await asyncio.gather(play(settings, disturbed, speed=1.5), kill_engines(worker, pause_s=0.7))
        transcripts = await told(settings, undisturbed, disturbed)
        counted = await asyncio.to_thread(losses, port)
    assert [(t.first_sequence, t.last_sequence, t.text) for t in transcripts[disturbed]] == [
        (t.first_sequence, t.last_sequence, t.text) for t in transcripts[undisturbed]
    ]
    assert any(t.text for t in transcripts[undisturbed])
    assert worker.exit_code == 0
    assert list(counted) == ['engine="vosk:ko"}']
    assert 1 <= counted['engine="vosk:ko"}'] <= KILLS


async def test_an_engine_that_keeps_dying_ends_the_worker_and_costs_no_utterance(
    started_with: Callable[..., tuple[Settings, dict[str, str]]], tmp_path: Path
) -> None:
    settings, environment = started_with(ASR__VOSK_MAX_CRASHES=1)
    stream = f"stream-{uuid4().hex[:6]}"
    with StartedWorker(tmp_path, environment, name="doomed") as doomed:
        doomed.wait_until_ready()
        playing = asyncio.create_task(play(settings, stream, speed=1.5))
        # An utterance each: one that is hit again and again would be blamed itself.
        await kill_engines(doomed, pause_s=2.5)
        assert await asyncio.to_thread(doomed.wait, DEADLINE_S) == 1
        await playing
    assert "Vosk processes keep dying (MODERATION_ASR__VOSK_MAX_CRASHES" in doomed.log.read_text()
    with StartedWorker(tmp_path, environment, name="successor"):
        transcripts = (await told(settings, stream))[stream]
    assert len(transcripts) == UTTERANCES
    async with EventReader.dead_letters(settings, follow=False, beginning=True) as letters:
        assert [letter async for letter in letters] == []
