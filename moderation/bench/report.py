"""What was measured, as JSON, and as tables made of the JSON: a published file gives the same tables."""

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from moderation.bench import toxicity, vosk, whisper
from moderation.bench.cpu import Timing
from moderation.bench.hearing import LATER_MS, Group
from moderation.bench.memory import StreamMemory
from moderation.bench.overhead import Overhead
from moderation.bench.worker_report import memory_json, memory_table, overhead_json, overhead_table

_LIBRARIES = ("ctranslate2", "faster-whisper", "onnxruntime", "torch", "vosk")


def as_json(
    *,
    runs: int,
    speech: list[Group],
    korean: Group | None,
    texts: toxicity.Scored,
    overhead: Overhead | None,
    memory: Sequence[StreamMemory],
) -> dict[str, Any]:
    """Everything, as one JSON object. Ratios are medians over the runs; times are processor seconds of each run."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(),
        "runs": runs,
        "each_run_later_ms": LATER_MS,
        "whisper": [_group(group) for group in speech],
        "vosk": _recognised(korean) if korean else None,
        "toxicity": _scored(texts),
        "overhead": overhead_json(overhead) if overhead else None,
        "memory": memory_json(memory),
    }


def _group(group: Group) -> dict[str, Any]:
    stock = group.heard[whisper.STOCK].timing
    return {
        "clips": group.name,
        "count": group.clips,
        "audio_s": round(group.audio_s, 1),
        "ways": {
            name: {
                **_times(heard.timing, group.audio_s),
                "times_less_than_stock": round(heard.timing.times_faster_than(stock), 2),
                "wer_percent": _percent(heard.error_rate),
                "clips_with_text_where_nothing_is_said": round(heard.clips_with_text, 1),
                "characters_where_nothing_is_said": round(heard.characters, 1),
            }
            for name, heard in group.heard.items()
        },
    }


def _recognised(recognised: Group) -> dict[str, Any]:
    bare = recognised.heard[vosk.BARE_NEW].timing
    return {
        "count": recognised.clips,
        "audio_s": round(recognised.audio_s, 1),
        "ways": {
            name: {
                **_times(heard.timing, recognised.audio_s),
                "times_less_than_bare": round(heard.timing.times_faster_than(bare), 2),
                "cer_percent": _percent(heard.error_rate),
            }
            for name, heard in recognised.heard.items()
        },
    }


def _scored(scored: toxicity.Scored) -> dict[str, Any]:
    reference = scored.timings[toxicity.DETOXIFY_BATCHED]
    return {
        "texts": scored.texts,
        "scoring": _spread(scored.scoring),
        "all_text_stages": _spread(scored.stages),
        "largest_score_difference": float(f"{scored.largest_difference:.1g}"),
        "ways": {
            name: {
                "cpu_s": [round(taken, 2) for taken in timing.cpu_s],
                "ms_per_text": round(scored.per_text_ms(name), 2),
                "times_less_than_batched_detoxify": round(timing.times_faster_than(reference), 2),
            }
            for name, timing in scored.timings.items()
        },
    }


def _spread(spread: toxicity.Spread) -> dict[str, float]:
    return {"p50_ms": round(spread.p50_ms, 2), "p95_ms": round(spread.p95_ms, 2)}


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 2)


def _times(timing: Timing, audio_s: float) -> dict[str, Any]:
    return {
        "cpu_s": [round(taken, 2) for taken in timing.cpu_s],
        "cpu_s_per_s_of_audio": round(timing.median_s / audio_s, 4),
    }


def _machine() -> dict[str, Any]:
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{name: version(name) for name in _LIBRARIES},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def markdown(measured: Mapping[str, Any]) -> str:
    """The tables of README."""
    return "\n\n".join(
        [
            _conditions(measured["machine"], measured["runs"], measured["each_run_later_ms"]),
            _whisper_table(measured["whisper"]),
            *([_vosk_table(measured["vosk"])] if measured["vosk"] else []),
            _toxicity_table(measured["toxicity"]),
            *([overhead_table(measured["overhead"])] if measured["overhead"] else []),
            memory_table(measured["memory"]),
        ]
    )


def _conditions(machine: Mapping[str, Any], runs: int, later_ms: int) -> str:
    return (
        f"On {machine['cores']} shared cores of {machine['processor']}, one thread, processor time; medians of {runs} "
        f"alternating runs; error rates are those of all runs, each of which hears the clips {later_ms} ms later than "
        f"the one before; CTranslate2 {machine['ctranslate2']}, faster-whisper {machine['faster-whisper']}, "
        f"ONNX Runtime {machine['onnxruntime']}."
    )


def _whisper_table(groups: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        f"| {group['clips']} ({group['count']}, {group['audio_s']:.0f} s) | {name} | "
        f"{way['cpu_s_per_s_of_audio']:.3f} | {way['times_less_than_stock']:.2f} | {_accuracy(way)} |"
        for group in groups
        for name, way in group["ways"].items()
    ]
    head = "| clips | Whisper tiny.en | CPU s per s of audio | stock / this | WER |"
    return "\n".join([head, "| --- | --- | --- | --- | --- |", *rows])


def _accuracy(way: Mapping[str, Any]) -> str:
    if way["wer_percent"] is not None:
        return f"{way['wer_percent']:.1f} %"
    return (
        f"{way['characters_where_nothing_is_said']:.0f} characters in "
        f"{way['clips_with_text_where_nothing_is_said']:.0f} clips"
    )


def _vosk_table(measured: Mapping[str, Any]) -> str:
    rows = [
        f"| {name} | {way['cpu_s_per_s_of_audio']:.3f} | {way['times_less_than_bare']:.2f} | "
        f"{way['cer_percent']:.1f} % |"
        for name, way in measured["ways"].items()
    ]
    head = f"| Vosk, {measured['count']} Korean clips | CPU s per s of audio | new recogniser / this | CER |"
    return "\n".join([head, "| --- | --- | --- | --- |", *rows])


def _toxicity_table(measured: Mapping[str, Any]) -> str:
    rows = [
        f"| {name} | {way['ms_per_text']:.2f} | {way['times_less_than_batched_detoxify']:.2f} |"
        for name, way in measured["ways"].items()
    ]
    head = "| toxicity, the same checkpoint | ms a text | batched Detoxify / this |"
    stages = measured["all_text_stages"]
    told = (
        f"An utterance through all text stages (toxicity, word lists, personal data, policy, masking): p50 "
        f"{stages['p50_ms']:.1f} ms, p95 {stages['p95_ms']:.1f} ms. The largest difference between a score of ours and "
        f"Detoxify's is {measured['largest_score_difference']:g}."
    )
    return "\n".join([head, "| --- | --- | --- |", *rows, "", told])
