"""What a stream takes of a worker's memory: muted, and in the middle of an utterance.

`python -m moderation.bench.memory` measures in a process of its own, because memory that earlier work has freed would
hide what streams take, and writes one JSON object.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from moderation.audio.utterance import SAMPLE_RATE_HZ, Samples
from moderation.bench.clips import load_clips
from moderation.bench.inner_worker import InnerWorker, inner_worker, with_engine
from moderation.bench.tracks import chunks_of
from moderation.bootstrap import build_pipeline
from moderation.errors import InvariantViolation
from moderation.events import AudioChunk, AudioEncoding
from moderation.processes.free_memory import give_back
from moderation.settings import Settings, load_settings
from moderation.telemetry.logs import configure_logs

LANGUAGE = "en"
SILENCE_S = 6.0
"""Longer than anything that a silent stream keeps."""
HELD_S = 10.0
ENCODINGS = (AudioEncoding.OPUS,)
MIB = 1024**2
_STATM = Path("/proc/self/statm")
_WARM_UP_STREAMS = 20
_LEAST_HELD = 0.9
"""Of the chunks of an utterance; the first may hold what lies before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamMemory:
    """Resident memory that streams of one encoding added, MiB a stream."""

    encoding: str
    idle_streams: int
    idle_mb: float
    """Said something, then muted."""
    talking_streams: int
    talking_mb: float
    """HELD_S of an utterance that goes on."""

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


def measure_apart(engine: str, *, idle: int, talking: int) -> list[StreamMemory]:
    """Measure in a process of its own; with the settings of the environment.

    Raises:
        subprocess.CalledProcessError: it failed, and said why on stderr.
    """
    command = [sys.executable, "-m", "moderation.bench.memory", "--engine", engine]
    options = ["--idle", str(idle), "--talking", str(talking)]
    told = subprocess.run([*command, *options], stdout=subprocess.PIPE, check=True, text=True)  # noqa: S603  ourselves
    return [StreamMemory(**measured) for measured in json.loads(told.stdout)]


async def measure(settings: Settings, encoding: AudioEncoding, *, idle: int, talking: int) -> StreamMemory:
    """Open streams of both kinds, and divide what they added to this process by their number."""
    with build_pipeline(settings) as pipeline:
        async with inner_worker(settings, pipeline) as worker:
            speech = speech_of(HELD_S)
            said = np.concatenate([speech_of(1.5), np.zeros(int(SILENCE_S * SAMPLE_RATE_HZ), np.float32)])
            muted_chunks, held_chunks = _open_ended(said, encoding), _open_ended(speech, encoding)
            # What is made once is made now.
            await _open(worker, "warm-muted", muted_chunks, _WARM_UP_STREAMS)
            await _open(worker, "warm-held", held_chunks, _WARM_UP_STREAMS)
            before = settled_rss_bytes()
            await _open(worker, "muted", muted_chunks, idle)
            with_idle = settled_rss_bytes()
            unacked = worker.unacked
            await _open(worker, "held", held_chunks, talking)
            with_talking = settled_rss_bytes()
            _require_held(worker.unacked - unacked, talking * len(held_chunks))
    return StreamMemory(
        encoding=encoding.value,
        idle_streams=idle,
        idle_mb=round((with_idle - before) / idle / MIB, 3),
        talking_streams=talking,
        talking_mb=round((with_talking - with_idle) / talking / MIB, 3),
    )


def speech_of(seconds: float) -> Samples:
    """Speech without a pause in which an utterance would end, at 16 kHz: what of the demo's clips is loud."""
    frame = SAMPLE_RATE_HZ // 50
    loud: list[Samples] = []
    for clip in load_clips(None):
        frames = clip.samples[: len(clip.samples) // frame * frame].reshape(-1, frame)
        if clip.text:
            loud.append(frames[np.abs(frames).max(axis=1) > 0.02].reshape(-1))
        if sum(map(len, loud)) >= seconds * SAMPLE_RATE_HZ:
            break
    return np.concatenate(loud)[: int(seconds * SAMPLE_RATE_HZ)]


def settled_rss_bytes() -> int:
    """Resident memory of this process once everything that is free was given back."""
    give_back()
    return int(_STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _open_ended(samples: Samples, encoding: AudioEncoding) -> list[AudioChunk]:
    chunks = list(chunks_of(samples, encoding, stream_id="unnamed", language=LANGUAGE))
    return [replace(chunk, end_of_stream=False) for chunk in chunks]


async def _open(worker: InnerWorker, prefix: str, chunks: Sequence[AudioChunk], count: int) -> None:
    """Streams that stay open: each message is made for its stream alone, as if it came from the broker."""
    for number in range(count):
        name = f"{prefix}-{number}"
        await worker.take(worker.encoded(replace(chunk, stream_id=name, speaker_id=name) for chunk in chunks))
        await worker.looked_at()


def _require_held(held: int, sent: int) -> None:
    if held < _LEAST_HELD * sent:
        raise InvariantViolation(f"of {sent} chunks of utterances that go on {held} are held: the utterances ended")


@click.command()
@click.option("--engine", default="whisper:tiny.en", show_default=True, help="What the worker recognises with.")
@click.option("--idle", default=200, show_default=True, help="Muted streams.")
@click.option("--talking", default=50, show_default=True, help="Streams in the middle of an utterance.")
def main(*, engine: str, idle: int, talking: int) -> None:
    """Memory of muted and of talking streams, as JSON."""
    settings = with_engine(load_settings(), engine)
    configure_logs(settings.telemetry.model_copy(update={"log_level": "warning"}))
    measured = [asyncio.run(measure(settings, encoding, idle=idle, talking=talking)) for encoding in ENCODINGS]
    click.echo(json.dumps([memory.to_json() for memory in measured]))


if __name__ == "__main__":
    main()
