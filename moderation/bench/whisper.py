"""Our Whisper path against stock faster-whisper with the same weights: processor time and word error rate."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from moderation.asr.whisper.engine import WhisperEngine
from moderation.bench.clips import SHORT_S, Clip
from moderation.bench.hearing import Group, Hear, hear_in_turn
from moderation.demo.words import normalise
from moderation.settings import AsrSettings

OURS = "ours, one at a time"
OURS_TOGETHER = "ours, several at a time"
STOCK = "faster-whisper"
STOCK_VAD = "faster-whisper, its VAD on"
STOCK_TIMES = "faster-whisper, with word times"
"""Ours always gives word times."""


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

    ways: Mapping[str, Hear] = {
        OURS: lambda clips: list(map(heard, clips)),
        OURS_TOGETHER: together,
        STOCK: lambda clips: [stock.text(clip, vad_filter=False) for clip in clips],
        STOCK_VAD: lambda clips: [stock.text(clip, vad_filter=True) for clip in clips],
        STOCK_TIMES: lambda clips: [stock.text(clip, vad_filter=False, word_timestamps=True) for clip in clips],
    }
    try:
        return [
            hear_in_turn(name, members, ways, spell=normalise, runs=runs, on_run=on_run)
            for name, members in groups(clips).items()
        ]
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
