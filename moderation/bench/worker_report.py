"""What a worker costs beside its models, and what a stream takes of its memory: as JSON, and as tables of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from moderation.bench.memory import HELD_S, StreamMemory
from moderation.bench.overhead import Overhead


def overhead_json(overhead: Overhead) -> dict[str, Any]:
    """Ratios are medians over the runs; times are processor seconds of each run."""
    bare = overhead.bare
    return {
        "engine": overhead.engine,
        "talk_s": round(overhead.talk_s, 1),
        "audio_s": round(overhead.audio_s, 1),
        "ways": {
            name: {
                "cpu_s": [round(taken, 2) for taken in timing.cpu_s],
                "cpu_ms_per_s_of_speech": round(timing.median_s * 1000 / overhead.talk_s, 1),
                "times_bare_models": round(timing.median_ratio_to(bare), 2),
            }
            for name, timing in {**overhead.timings, bare.name: bare}.items()
        },
    }


def overhead_table(measured: Mapping[str, Any]) -> str:
    """Models first, then their sum, then what is made of them."""
    ordered = sorted(measured["ways"].items(), key=lambda named: named[1]["times_bare_models"])
    rows = [
        f"| {name} | {way['cpu_ms_per_s_of_speech']:.1f} | {way['times_bare_models']:.2f} |" for name, way in ordered
    ]
    head = (
        f"| talking streams, {measured['engine']}, {measured['talk_s']:.0f} s of speech "
        "| CPU ms per s of speech | this / bare models |"
    )
    return "\n".join([head, "| --- | --- | --- |", *rows])


def memory_json(memories: Sequence[StreamMemory]) -> list[dict[str, Any]]:
    """An object an encoding."""
    return [memory.to_json() for memory in memories]


def memory_table(measured: Sequence[Mapping[str, Any]]) -> str:
    """A row an encoding."""
    rows = [
        f"| {memory['encoding']} ({memory['idle_streams']} and {memory['talking_streams']} streams) | "
        f"{memory['idle_mb']:.2f} | {memory['talking_mb']:.2f} |"
        for memory in measured
    ]
    head = f"| memory of a stream, MiB | muted, after it spoke | {HELD_S:g} s into an utterance |"
    return "\n".join([head, "| --- | --- | --- |", *rows])
