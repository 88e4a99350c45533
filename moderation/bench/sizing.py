"""What streams cost on this machine with each engine of the settings: for `moderation doctor --bench`."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

from moderation.bench.clips import Clip
from moderation.bench.inner_worker import InnerWorker, inner_worker, with_engine
from moderation.bench.load import Load
from moderation.bench.tracks import StreamIds, Track, muted, talking
from moderation.bootstrap import build_pipeline
from moderation.errors import ConfigurationError, ModerationError
from moderation.events import AudioEncoding
from moderation.models.store import ModelStore, install_command
from moderation.pipeline import Pipeline
from moderation.processes.cpu_time import family_cpu_s
from moderation.processes.free_memory import give_back
from moderation.settings import Settings
from moderation.streaming.process_memory import MIB, ProcessMemory

_SEE = "see the checks above, and `moderation models verify`"
_CLIPS_A_STREAM = 5
_MUTED_STREAMS, _MUTED_S = 10, 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingPlan:
    """What is heard: clips, in encodings, each for about so many seconds of wall-clock time an engine."""

    clips: Sequence[Clip]
    encodings: Sequence[AudioEncoding]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """An engine that was not measured, why, and what to do about it."""

    engine: str
    reason: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """An engine's loads, one an encoding, and what the worker took before the engine was loaded, MiB."""

    loads: tuple[Load, ...]
    worker_mb: float


def measure_engines(
    settings: Settings, plan: SizingPlan, on_progress: Callable[[str], None]
) -> Iterator[Measured | Passed]:
    """Every engine that the settings name for some language.

    Streams of the clips go through all of a worker but Faust and the broker; processor time is that of all
    threads and processes. One whose model is missing, or that fails, is passed over.
    """
    store = ModelStore(settings.models_dir)
    for name in dict.fromkeys(name for names in settings.asr.engines.values() for name in names):
        try:
            status = store.status(name)
            if status.installed:
                heard = clips_for(status.languages, plan.clips)
                yield _measure(with_engine(settings, name), name, heard, plan, on_progress)
            else:
                yield Passed(engine=name, reason="its model is not installed", advice=install_command(status.spec))
        except ModerationError as error:
            yield Passed(engine=name, reason=str(error), advice=_SEE)


def _measure(
    settings: Settings,
    name: str,
    heard_clips: "HeardClips",
    plan: SizingPlan,
    on_progress: Callable[[str], None],
) -> Measured:
    clips_mb = sum(clip.samples.nbytes for clip in plan.clips) / MIB
    with build_pipeline(settings) as pipeline:
        before_mb = _held_mb()
        on_progress(f"{name}: loading")
        pipeline.engines.preload([heard_clips.language])
        meter = _Meter(settings, pipeline, heard_clips)
        asyncio.run(meter.warm_up())
        model_mb = _held_mb() - before_mb
        loads = []
        for encoding in plan.encodings:
            on_progress(f"{name}: hearing {encoding} for {plan.seconds:g} s")
            muted_ms_per_s, heard = asyncio.run(meter.measure(encoding, plan.seconds))
            loads.append(
                Load(
                    engine=name,
                    encoding=encoding,
                    language=heard_clips.language,
                    spoken_language=heard_clips.clips[0].language,
                    talk_s=heard.talk_s,
                    audio_s=heard.audio_s,
                    cpu_s=heard.cpu_s,
                    muted_ms_per_s=muted_ms_per_s,
                    model_mb=model_mb,
                )
            )
    return Measured(loads=tuple(loads), worker_mb=before_mb - clips_mb)


def _held_mb() -> float:
    give_back()
    return sum(ProcessMemory().by_role().values()) / MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardClips:
    """What an engine hears, and the language it is told that they are in."""

    language: str
    clips: Sequence[Clip]


def clips_for(languages: Sequence[str], clips: Sequence[Clip]) -> HeardClips:
    """Clips of one language that a model knows (empty: it knows any), most clips first; of another where there is none.

    Raises:
        ConfigurationError: nobody speaks in the clips.
    """
    spoken = Counter(clip.language for clip in clips if clip.text)
    if not spoken:
        raise ConfigurationError("nobody speaks in the clips: speech with a transcript is needed")
    known = [language for language, _ in spoken.most_common() if not languages or language in languages]
    chosen = known[0] if known else spoken.most_common(1)[0][0]
    return HeardClips(
        language=known[0] if known else languages[0],
        clips=[clip for clip in clips if clip.text and clip.language == chosen],
    )


@dataclass(slots=True, kw_only=True)
class _Heard:
    talk_s: float = 0.0
    audio_s: float = 0.0
    cpu_s: float = 0.0


class _Meter:
    """Plays streams to a worker of its own and reads the clock of all its processes."""

    def __init__(self, settings: Settings, pipeline: Pipeline, heard: HeardClips) -> None:
        self._settings = settings
        self._pipeline = pipeline
        self._language = heard.language
        self._clips = heard.clips
        self._ids = StreamIds("sizing")

    async def warm_up(self) -> None:
        """One short stream, so that nothing that is made once counts."""
        async with inner_worker(self._settings, self._pipeline) as worker:
            await self._cpu_s(worker, [self._talking(self._clips[:1], AudioEncoding.PCM_S16LE)])

    async def measure(self, encoding: AudioEncoding, seconds: float) -> tuple[float, _Heard]:
        """Processor time of a muted second, ms; and of talk, for about `seconds` of wall-clock time."""
        silence = muted(_MUTED_S, encoding, stream_id="unnamed", language=self._language)
        async with inner_worker(self._settings, self._pipeline) as worker:
            silences = [silence.renamed(self._ids.next()) for _ in range(_MUTED_STREAMS)]
            muted_cpu_s = await self._cpu_s(worker, silences)
            heard = await self._hear(worker, encoding, seconds)
        return muted_cpu_s * 1000 / (_MUTED_STREAMS * _MUTED_S), heard

    async def _hear(self, worker: InnerWorker, encoding: AudioEncoding, seconds: float) -> _Heard:
        clips, heard = self._clips, _Heard()
        # Each stream has clips from everywhere in the manifest, which is in order of kind.
        streams = -(-len(clips) // _CLIPS_A_STREAM)
        deadline_s = time.monotonic() + seconds
        for number in cycle(range(streams)):
            track = self._talking(clips[number::streams], encoding)
            heard.cpu_s += await self._cpu_s(worker, [track])
            heard.talk_s += track.talk_s
            heard.audio_s += track.audio_s
            if time.monotonic() >= deadline_s:
                break
        return heard

    async def _cpu_s(self, worker: InnerWorker, tracks: Sequence[Track]) -> float:
        messages = [worker.encoded(track.chunks) for track in tracks]
        before_s = family_cpu_s()
        for each in messages:
            await worker.take(each)
        await worker.finished()
        return family_cpu_s() - before_s

    def _talking(self, clips: Sequence[Clip], encoding: AudioEncoding) -> Track:
        return talking(clips, encoding, stream_id=self._ids.next(), language=self._language)
