"""How the cores of a machine are divided between the worker under test and what tests it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cores:
    """How the machine is divided."""

    worker: frozenset[int]
    rest: frozenset[int]
    """For producers and broker; the worker's where there are no others."""

    @property
    def told(self) -> str:
        """For people."""
        if self.worker == self.rest:
            return f"worker, producers and broker share {_named(self.worker)}"
        return f"worker on {_named(self.worker)}; producers and broker on {_named(self.rest)}"


def divide_cores(available: frozenset[int], for_worker: int) -> Cores:
    """The first `for_worker` cores for the worker, the others for all else, at least one if there are two."""
    ordered = sorted(available)
    count = min(for_worker, max(1, len(ordered) - 1))
    worker = frozenset(ordered[:count])
    return Cores(worker=worker, rest=frozenset(ordered[count:]) or worker)


def _named(cores: frozenset[int]) -> str:
    return f"core{'s' * (len(cores) > 1)} {', '.join(map(str, sorted(cores)))}"


@contextmanager
def on_cores(cores: frozenset[int]) -> Iterator[None]:
    """Bind this process, and what it starts meanwhile, to these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
