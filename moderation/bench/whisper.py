"""Our Whisper path against stock faster-whisper with the same weights: processor time and word error rate."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from moderation.asr.whisper.engine import WhisperEngine
from moderation.bench.clips import SHORT_S, Clip
from moderation.bench.cpu import Timing, Way, take_turns
from moderation.demo.words import differences, normalise
from moderation.settings import AsrSettings

OURS = "ours, one at a time"
OURS_TOGETHER = "ours, several at a time"
STOCK = "faster-whisper"
STOCK_VAD = "faster-whisper, its VAD on"
STOCK_TIMES = "faster-whisper, with word times"
"""Ours always gives word times."""


Hear = Callable[[Sequence[Clip]], Sequence[str]]
"""The text of each clip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one way made of a group of clips."""

    timing: Timing
    word_errors: int
    words: int
    clips_with_text: int
    """Of those in which nothing is said: how many gave text all the same."""
    characters: int
    """Of those in which nothing is said: how much text they gave."""

    @property
    def word_error_rate(self) -> float | None:
        """Errors per word said; None where nothing is said."""
        return self.word_errors / self.words if self.words else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Clips that are measured together, and what each way made of them."""

    name: str
    clips: int
    audio_s: float
    heard: Mapping[str, Heard]


def measure(
    model: Path, clips: Sequence[Clip], settings: AsrSettings, *, runs: int, on_run: Callable[[str], None]
) -> list[Group]:
    """Every group of English clips, each way in turn, on one thread. Takes minutes."""
    ours = WhisperEngine(model, name="whisper", version="", settings=settings)
    stock = _Stock(model, settings.whisper_compute_type)

    def heard(clip: Clip) -> str:
        return ours.recognise(clip.samples, "en").text

    def together(clips: Sequence[Clip]) -> list[str]:
        with ThreadPoolExecutor(settings.whisper_batch) as pool:
            return list(pool.map(heard, clips))

    hear: Mapping[str, Hear] = {
        OURS: lambda clips: list(map(heard, clips)),
        OURS_TOGETHER: together,
        STOCK: lambda clips: [stock.text(clip, vad_filter=False) for clip in clips],
        STOCK_VAD: lambda clips: [stock.text(clip, vad_filter=True) for clip in clips],
        STOCK_TIMES: lambda clips: [stock.text(clip, vad_filter=False, word_timestamps=True) for clip in clips],
    }
    try:
        return [_measure_group(name, members, hear, runs, on_run) for name, members in groups(clips).items()]
    finally:
        ours.close()


def groups(clips: Sequence[Clip]) -> dict[str, list[Clip]]:
    """English speech by collection; then what of it is short, from all collections; then what is no speech."""
    spoken = [clip for clip in clips if clip.text and clip.language == "en"]
    by_collection = {name: [clip for clip in spoken if clip.collection == name] for name in _names(spoken)}
    return {
        name: members
        for name, members in {
            **by_collection,
            f"up to {SHORT_S:g} s": [clip for clip in spoken if clip.duration_s <= SHORT_S],
            "no speech": [clip for clip in clips if clip.text is None],
        }.items()
        if members
    }


def _names(clips: Sequence[Clip]) -> list[str]:
    return list(dict.fromkeys(clip.collection for clip in clips))


def _measure_group(
    name: str, clips: Sequence[Clip], hear: Mapping[str, Hear], runs: int, on_run: Callable[[str], None]
) -> Group:
    texts: dict[str, Sequence[str]] = {}

    def way(name: str, listen: Hear) -> Way:
        def run() -> None:
            texts[name] = listen(clips)

        return Way(name=name, run=run)

    ways = [way(name, listen) for name, listen in hear.items()]
    timings = take_turns(ways, runs=runs, on_run=lambda told: on_run(f"{name}: {told}"))
    return Group(
        name=name,
        clips=len(clips),
        audio_s=sum(clip.duration_s for clip in clips),
        heard={name: _judge(timings[name], clips, texts[name]) for name in hear},
    )


def _judge(timing: Timing, clips: Sequence[Clip], texts: Sequence[str]) -> Heard:
    said = [(normalise(clip.text), normalise(text)) for clip, text in zip(clips, texts, strict=True) if clip.text]
    unsaid = [text for clip, text in zip(clips, texts, strict=True) if not clip.text]
    return Heard(
        timing=timing,
        word_errors=sum(len(differences(expected, heard)) for expected, heard in said),
        words=sum(len(expected) for expected, _ in said),
        clips_with_text=sum(bool(text) for text in unsaid),
        characters=sum(map(len, unsaid)),
    )


class _Stock:
    """faster-whisper as its README shows it, on one thread, greedy."""

    def __init__(self, model: Path, compute_type: str) -> None:
        import faster_whisper  # noqa: PLC0415  heavy, and only this benchmark needs it

        self._model = faster_whisper.WhisperModel(
            str(model), device="cpu", compute_type=compute_type, cpu_threads=1, num_workers=1
        )

    def text(self, clip: Clip, **options: bool) -> str:
        segments, _ = self._model.transcribe(clip.samples, beam_size=1, language="en", **options)
        return " ".join(segment.text.strip() for segment in segments)
