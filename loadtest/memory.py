"""Resident memory of processes over time: samples, and whether they grow."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from loadtest.process_tree import ProcessInfo

KB_PER_MB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The memory of one process: at the start, in the middle, at the end, and the slope of a line through the samples.

    The first `settling` share of the samples is left out of everything but `start_mb`: caches fill, models warm up.
    """

    name: str
    start_mb: float
    settled_mb: float
    middle_mb: float
    end_mb: float
    peak_mb: float
    mb_per_hour: float

    @property
    def growth_mb(self) -> float:
        """How much more it has at the end than once it had settled."""
        return round(self.end_mb - self.settled_mb, 1)

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "start_mb": self.start_mb,
            "settled_mb": self.settled_mb,
            "middle_mb": self.middle_mb,
            "end_mb": self.end_mb,
            "peak_mb": self.peak_mb,
            "growth_mb": self.growth_mb,
            "mb_per_hour": self.mb_per_hour,
        }


@dataclass(slots=True)
class MemoryLog:
    """Samples by process, named after role and pid."""

    samples: dict[str, list[tuple[float, int]]] = field(default_factory=dict)

    def add(self, at_s: float, processes: Iterable[ProcessInfo], *, prefix: str = "") -> None:
        """Take the state of some processes at an instant, s."""
        for process in processes:
            name = f"{prefix}{process.role.value}-{process.pid}"
            self.samples.setdefault(name, []).append((at_s, process.rss_kb))

    def usages(self, *, settling: float = 0.1) -> list[Usage]:
        """How each process fared, the longest observed first."""
        ordered = sorted(self.samples.items(), key=lambda item: -len(item[1]))
        return [usage_of(name, samples, settling=settling) for name, samples in ordered]


def usage_of(name: str, samples: Sequence[tuple[float, int]], *, settling: float = 0.1) -> Usage:
    """From (seconds, KiB), at least one. Each figure but the first is a median of neighbours: a single sample jumps."""
    first = int(len(samples) * settling)
    settled = samples[first:]
    sizes = [size for _, size in settled]
    return Usage(
        name=name,
        start_mb=_mb(samples[0][1]),
        settled_mb=_mb(_around(sizes, 0)),
        middle_mb=_mb(_around(sizes, len(sizes) // 2)),
        end_mb=_mb(_around(sizes, len(sizes) - 1)),
        peak_mb=_mb(max(size for _, size in samples)),
        mb_per_hour=round(slope(settled) * 3600 / KB_PER_MB, 2),
    )


def slope(samples: Sequence[tuple[float, float]]) -> float:
    """Of the least-squares line through (x, y); 0 where it has none."""
    count = len(samples)
    mean_x = sum(x for x, _ in samples) / count
    mean_y = sum(y for _, y in samples) / count
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    return sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread if spread else 0.0


def _around(sizes: Sequence[int], place: int) -> int:
    near = sorted(sizes[max(0, place - 2) : place + 3])
    return near[len(near) // 2]


def _mb(kb: float) -> float:
    return round(kb / KB_PER_MB, 1)
