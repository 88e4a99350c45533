"""Taking turns while processor time is measured."""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from moderation.processes.cpu_time import family_cpu_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of doing the work. `run` does all of it."""

    name: str
    run: Callable[[], object]
    cpu_s: Callable[[], float] = family_cpu_s
    """Processor time spent so far by whatever does the work, s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Processor seconds of each run of a way."""

    name: str
    cpu_s: tuple[float, ...]

    @classmethod
    def sum_of(cls, name: str, parts: "Sequence[Timing]") -> "Timing":
        """What the parts take together, run by run."""
        return cls(name=name, cpu_s=tuple(map(sum, zip(*(part.cpu_s for part in parts), strict=True))))

    @property
    def median_s(self) -> float:
        """Of all runs."""
        return statistics.median(self.cpu_s)

    def median_ratio_to(self, other: "Timing") -> float:
        """How many times what the other takes: the median of the ratios of neighbouring runs."""
        return statistics.median(ours / theirs for ours, theirs in zip(self.cpu_s, other.cpu_s, strict=True))

    def times_faster_than(self, other: "Timing") -> float:
        """How many times less this takes: the median of the ratios of neighbouring runs."""
        return statistics.median(theirs / ours for ours, theirs in zip(self.cpu_s, other.cpu_s, strict=True))


def own_cpu_s() -> float:
    """Processor time of this process alone, all threads, s: for work that leaves other processes running beside it."""
    return time.process_time()


def take_turns(ways: Sequence[Way], *, runs: int, on_run: Callable[[str], None]) -> Mapping[str, Timing]:
    """Run each way once without counting, then all of them `runs` times in turn."""
    measured: dict[str, list[float]] = defaultdict(list)
    for run in range(runs + 1):
        for way in ways:
            on_run(f"{way.name}, run {run} of {runs}" if run else f"{way.name}, warming up")
            before_s = way.cpu_s()
            way.run()
            if run:
                measured[way.name].append(way.cpu_s() - before_s)
    return {name: Timing(name=name, cpu_s=tuple(taken)) for name, taken in measured.items()}
