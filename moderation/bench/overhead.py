"""What a worker costs beside the bare sum of its models, on the same audio and the same texts."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from moderation.asr.engine import SpeechEngine
from moderation.audio.utterance import Samples, Utterance
from moderation.audio.vad import FRAME_SAMPLES, SileroVad, fresh_state
from moderation.bench.clips import Clip
from moderation.bench.cpu import Timing, Way, own_cpu_s, take_turns
from moderation.bench.inner_worker import inner_worker, with_engine
from moderation.bench.live_worker import LiveWorker
from moderation.bench.tracks import StreamIds, Track, samples_of, spread, talking
from moderation.bootstrap import build_pipeline, build_toxicity, intake_factory
from moderation.events import AudioEncoding
from moderation.pipeline import Pipeline
from moderation.settings import Settings

LANGUAGE = "en"
VAD = "voice activity, bare"
SPEECH = "speech recognition, bare"
TOXICITY = "toxicity, bare"
BARE = (VAD, SPEECH, TOXICITY)
SUM = "bare models together"
ENCODINGS = (AudioEncoding.OPUS, AudioEncoding.PCM_S16LE)

MOST_AUDIO_S = 320.0
LIVE_STREAMS = 20
"""Streams that talk at the same time through the broker: as many as a core must carry, for half a core and more."""
BROKER = f"worker through the broker, Opus, {LIVE_STREAMS} streams at a time"
_FRAMES_A_CALL = 6
"""What is whole of 200 ms: a stream cannot have more of them judged at once."""


def inside(encoding: AudioEncoding) -> str:
    """The name of the way through everything but Faust and the broker."""
    return f"worker without Faust and broker, {encoding}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """Processor time of the bare models and of workers, in turns."""

    engine: str
    talk_s: float
    audio_s: float
    timings: Mapping[str, Timing]

    @property
    def bare(self) -> Timing:
        """The sum of the bare models, run by run."""
        return Timing.sum_of(SUM, [self.timings[name] for name in BARE])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Material:
    """What all ways hear: streams, and the samples, utterances and texts in them."""

    tracks: Mapping[AudioEncoding, Sequence[Track]]
    samples: Sequence[Samples]
    utterances: Sequence[Samples]
    texts: Sequence[str]


def measure(
    clips: Sequence[Clip], settings: Settings, *, engine: str, runs: int, on_run: Callable[[str], None]
) -> Overhead | None:
    """English speech each way in turn; None without such clips. Takes minutes.

    `engine` must be one that works in this process.

    Raises:
        ConfigurationError: a model is missing, or the embedded broker cannot run here.
        WorkerFailed: the worker behind the broker did not do its work.
    """
    spoken = spread([clip for clip in clips if clip.text and clip.language == LANGUAGE], MOST_AUDIO_S)
    if not spoken:
        return None
    settings = with_engine(settings, engine)
    with LiveWorker(settings, engine=engine, language=LANGUAGE) as live, build_pipeline(settings) as pipeline:
        hears = pipeline.engines.for_language(LANGUAGE)
        material = _prepare(spoken, settings, hears)
        toxicity = build_toxicity(settings)
        ids = StreamIds("overhead")
        ways = [
            Way(name=VAD, run=lambda: _judge_frames(material.samples), cpu_s=own_cpu_s),
            Way(name=SPEECH, run=lambda: [_text(hears, heard) for heard in material.utterances], cpu_s=own_cpu_s),
            Way(name=TOXICITY, run=lambda: [toxicity.score([text]) for text in material.texts], cpu_s=own_cpu_s),
            *(_inside(settings, pipeline, material.tracks[encoding], ids, encoding) for encoding in ENCODINGS),
            Way(
                name=BROKER,
                run=lambda: live.play(_renamed(material.tracks[AudioEncoding.OPUS], ids)),
                cpu_s=live.cpu_s,
            ),
        ]
        timings = take_turns(ways, runs=runs, on_run=lambda told: on_run(f"overhead: {told}"))
    opus = material.tracks[AudioEncoding.OPUS]
    return Overhead(
        engine=engine,
        talk_s=sum(track.talk_s for track in opus),
        audio_s=sum(track.audio_s for track in opus),
        timings=timings,
    )


def _prepare(spoken: Sequence[Clip], settings: Settings, engine: SpeechEngine) -> _Material:
    parts = [spoken[first::LIVE_STREAMS] for first in range(min(LIVE_STREAMS, len(spoken)))]
    tracks = {
        encoding: [talking(part, encoding, stream_id="unnamed", language=LANGUAGE) for part in parts]
        for encoding in ENCODINGS
    }
    new_intake = intake_factory(settings)
    utterances = [
        event.samples
        for track in tracks[AudioEncoding.OPUS]
        for intake in [new_intake()]
        for chunk in track.chunks
        for event in intake.accept(chunk).events
        if isinstance(event, Utterance)
    ]
    return _Material(
        tracks=tracks,
        samples=[samples_of(part) for part in parts],
        utterances=utterances,
        texts=[_text(engine, heard) for heard in utterances],
    )


def _text(engine: SpeechEngine, samples: Samples) -> str:
    recognizer = engine.recognizer(stream_id="bare", language=LANGUAGE)
    recognizer.accept(samples)
    return recognizer.finish().text


def _judge_frames(streams: Sequence[Samples]) -> None:
    vad = SileroVad()
    step = _FRAMES_A_CALL * FRAME_SAMPLES
    for samples in streams:
        state = fresh_state()
        for start in range(0, len(samples) - step + 1, step):
            _, state = vad.score(state, samples[start : start + step])


def _inside(
    settings: Settings, pipeline: Pipeline, tracks: Sequence[Track], ids: StreamIds, encoding: AudioEncoding
) -> Way:
    """One stream after another, so that no utterances are decoded together: the bare models do not do that either."""
    messages: list[list[tuple[str, bytes]]] = []

    async def hear() -> None:
        async with inner_worker(settings, pipeline) as worker:
            # Made when nothing counts yet; each run has a worker that never heard of these streams.
            if not messages:
                messages.extend(worker.encoded(track.chunks) for track in _renamed(tracks, ids))
            for each in messages:
                await worker.take(each)
                await worker.finished()

    return Way(name=inside(encoding), run=lambda: asyncio.run(hear()), cpu_s=own_cpu_s)


def _renamed(tracks: Sequence[Track], ids: StreamIds) -> list[Track]:
    return [track.renamed(ids.next()) for track in tracks]
