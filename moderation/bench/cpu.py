"""Processor time of this process and everything it started, and taking turns while it is measured."""

import os
import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# /proc/PID/stat behind the command's closing bracket: state is field 3, so field n is at n - 3. Source: proc(5).
_PARENT, _USER, _SYSTEM, _ENDED_USER, _ENDED_SYSTEM = 1, 11, 12, 13, 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of doing the work. `run` does all of it."""

    name: str
    run: Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Processor seconds of each run of a way."""

    name: str
    cpu_s: tuple[float, ...]

    @property
    def median_s(self) -> float:
        """Of all runs."""
        return statistics.median(self.cpu_s)

    def times_faster_than(self, other: "Timing") -> float:
        """How many times less this takes: the median of the ratios of neighbouring runs."""
        return statistics.median(theirs / ours for ours, theirs in zip(self.cpu_s, other.cpu_s, strict=True))


def take_turns(ways: Sequence[Way], *, runs: int, on_run: Callable[[str], None]) -> Mapping[str, Timing]:
    """Run each way once without counting, then all of them `runs` times in turn."""
    measured: dict[str, list[float]] = defaultdict(list)
    for run in range(runs + 1):
        for way in ways:
            on_run(f"{way.name}, run {run} of {runs}" if run else f"{way.name}, warming up")
            before_s = family_cpu_s()
            way.run()
            if run:
                measured[way.name].append(family_cpu_s() - before_s)
    return {name: Timing(name=name, cpu_s=tuple(taken)) for name, taken in measured.items()}


def family_cpu_s(root: int | None = None) -> float:
    """Processor time spent so far by a process and its descendants, those that have ended included, s.

    Counts in ticks of 10 ms: for work that takes seconds.
    """
    stats = dict(_all_stats())
    children: dict[int, list[int]] = defaultdict(list)
    for pid, fields in stats.items():
        children[fields[_PARENT]].append(pid)
    total, waiting = 0, [root or os.getpid()]
    while waiting:
        pid = waiting.pop()
        if pid in stats:
            total += sum(stats[pid][place] for place in (_USER, _SYSTEM, _ENDED_USER, _ENDED_SYSTEM))
            waiting += children[pid]
    return total / _TICKS_PER_S


def _all_stats() -> list[tuple[int, list[int]]]:
    found = []
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            try:
                line = (folder / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:  # it has ended meanwhile
                continue
            # The command may hold spaces and brackets of its own.
            _state, *fields = line.rpartition(") ")[2].split()
            found.append((int(folder.name), [0, *map(int, fields)]))
    return found
