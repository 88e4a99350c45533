"""How long a killed worker's partitions stay silent. Pure.

The takeover time of a kill is the time from the instant of the SIGKILL to the first output, a transcript, a flag or a
dead letter, about any message of any partition that the killed worker had been assigned last before that instant. Its
instant is the timestamp of the record, which the publishing worker sets when it sends: what the killed worker sent
bears a time before the kill. So it holds the session timeout, the rebalance, the successor's reading back and, because
somebody must have something to say, on quiet partitions also the wait for the next utterance to end: it never
understates. `last` is the time until the slowest of the partitions that spoke again did so.

A worker that owned nothing gives no figure, and neither does one about whose partitions nothing was published any more;
both are counted apart.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loadtest.faults.fleet import Kill


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Something published about a message of a partition of the audio topic, at an instant (seconds since 1970)."""

    partition: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """What followed a kill, s. None where nothing was published any more."""

    kill: Kill
    first_s: float | None
    last_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeovers:
    """All kills of a run, summarised."""

    measured: int
    owned_nothing: int
    nothing_followed: int
    first_s_p50: float | None
    first_s_max: float | None
    last_s_p50: float | None
    last_s_max: float | None


def takeovers(kills: Iterable[Kill], outputs: Iterable[Output]) -> list[Takeover]:
    """The takeover of each kill of a worker that owned partitions."""
    instants: dict[int, list[float]] = {}
    for output in outputs:
        instants.setdefault(output.partition, []).append(output.at)
    return [_takeover(kill, instants) for kill in kills if kill.partitions]


def summarise_takeovers(kills: Sequence[Kill], found: Sequence[Takeover]) -> Takeovers:
    """Median (of an even number the upper) and maximum."""
    first = sorted(item.first_s for item in found if item.first_s is not None)
    last = sorted(item.last_s for item in found if item.last_s is not None)
    return Takeovers(
        measured=len(first),
        owned_nothing=len(kills) - len(found),
        nothing_followed=len(found) - len(first),
        first_s_p50=_median(first),
        first_s_max=first[-1] if first else None,
        last_s_p50=_median(last),
        last_s_max=last[-1] if last else None,
    )


def _takeover(kill: Kill, instants: dict[int, list[float]]) -> Takeover:
    waits = [
        min(later)
        for partition in kill.partitions
        if (later := [at - kill.at for at in instants.get(partition, ()) if at > kill.at])
    ]
    return Takeover(
        kill=kill,
        first_s=round(min(waits), 2) if waits else None,
        last_s=round(max(waits), 2) if waits else None,
    )


def _median(ordered: Sequence[float]) -> float | None:
    return ordered[len(ordered) // 2] if ordered else None
