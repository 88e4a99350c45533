"""What was measured, and what follows from it. Pure functions of data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAIN, CONSUMER = "main", "consumer"
"""The threads of a worker whose time is not recognition: the event loop with intake, and the Kafka client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Processor time spent while streams were played, s."""

    seconds: float
    """How long it was watched."""
    chunks: int
    """Sent meanwhile."""
    worker: Mapping[str, float]
    """Of the worker, by thread."""
    aiokafka: float
    """Of a bare consumer that read the same topic."""
    faust: float
    """Of the worker's Faust application with an empty agent."""


def muted(streams: int, idle: Spent, spent: Spent) -> dict[str, Any]:
    """The figures of streams that send silence. `idle` was measured while nothing was sent."""
    total = sum(spent.worker.values())
    without_idle = total - sum(idle.worker.values()) * spent.seconds / idle.seconds
    return {
        "streams": streams,
        "chunks_per_s": round(spent.chunks / spent.seconds, 1),
        "worker_ms_per_stream_s": _ms(total / spent.seconds / streams),
        "worker_without_idle_ms_per_stream_s": _ms(without_idle / spent.seconds / streams),
        "worker_ms_per_chunk": _ms(total / spent.chunks),
        **_readers(spent),
        "worker_by_thread_ms_per_chunk": {name: _ms(s / spent.chunks) for name, s in _largest(spent.worker)},
    }


def talking(streams: int, spent: Spent) -> dict[str, Any]:
    """The figures of streams that talk without end."""
    rest = sum(spent.worker.get(name, 0.0) for name in (MAIN, CONSUMER))
    recognition = sum(spent.worker.values()) - rest
    return {
        "streams": streams,
        "chunks_per_s": round(spent.chunks / spent.seconds, 1),
        "recognition_ms_per_stream_s": _ms(recognition / spent.seconds / streams),
        "rest_ms_per_stream_s": _ms(rest / spent.seconds / streams),
        "rest_to_recognition": round(rest / recognition, 3) if recognition else None,
        **_readers(spent),
    }


def idle(spent: Spent) -> dict[str, Any]:
    """The figures of a worker that nothing is sent to."""
    return {
        "worker_ms_per_s": _ms(sum(spent.worker.values()) / spent.seconds),
        "faust_ms_per_s": _ms(spent.faust / spent.seconds),
        "aiokafka_ms_per_s": _ms(spent.aiokafka / spent.seconds),
    }


def _readers(spent: Spent) -> dict[str, Any]:
    return {
        "aiokafka_ms_per_chunk": _ms(spent.aiokafka / spent.chunks),
        "faust_ms_per_chunk": _ms(spent.faust / spent.chunks),
        "faust_to_aiokafka": round(spent.faust / spent.aiokafka, 2) if spent.aiokafka else None,
    }


def _largest(by_name: Mapping[str, float], count: int = 4) -> list[tuple[str, float]]:
    return sorted(by_name.items(), key=lambda item: -item[1])[:count]


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
