"""When which fault happens: drawn from a seed, spread over the run. Pure."""

import random
from dataclasses import dataclass
from enum import StrEnum

from loadtest.faults.options import FaultCounts

KILLS_PER_BLACKOUT = 8
"""One in so many kills is part of a blackout: all workers killed at once."""
CALM_SHARE = 0.04
"""Share of the run, at its beginning, without faults."""


class FaultKind(StrEnum):
    """What happens."""

    KILL = "kill"
    BLACKOUT = "blackout"
    """SIGKILL of every worker at once."""
    ENGINE_KILL = "engine_kill"
    TERM = "term"
    STOP = "stop"
    JOIN = "join"
    OUTAGE = "outage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. `at_s` counts from the start of the streams.

    `lasts_s` is how long a worker stands still or the broker is away. `pause_s` passes before whatever was ended is
    replaced.
    """

    at_s: float
    kind: FaultKind
    lasts_s: float = 0.0
    pause_s: float = 0.0


def plan_faults(
    counts: FaultCounts, *, seconds: float, workers: int, session_timeout_s: float, rng: random.Random
) -> list[Fault]:
    """The faults in order of time, each in a slot of its own of equal length, somewhere in it.

    Blackouts are made of the kills that are asked for: one of `workers` kills for every KILLS_PER_BLACKOUT.
    """
    kinds = _kinds(counts, workers)
    rng.shuffle(kinds)
    begin_s = seconds * CALM_SHARE
    slot_s = (seconds - begin_s) / max(1, len(kinds))
    return [
        Fault(
            at_s=round(begin_s + (number + rng.uniform(0.05, 0.95)) * slot_s, 3),
            kind=kind,
            lasts_s=round(_lasts_s(kind, session_timeout_s, rng), 3),
            pause_s=round(rng.uniform(0.0, 4.0), 3),
        )
        for number, kind in enumerate(kinds)
    ]


def _kinds(counts: FaultCounts, workers: int) -> list[FaultKind]:
    blackouts = counts.kills // max(KILLS_PER_BLACKOUT, workers)
    return (
        [FaultKind.BLACKOUT] * blackouts
        + [FaultKind.KILL] * (counts.kills - blackouts * workers)
        + [FaultKind.ENGINE_KILL] * counts.engine_kills
        + [FaultKind.TERM] * counts.terms
        + [FaultKind.STOP] * counts.stops
        + [FaultKind.JOIN] * counts.joins
        + [FaultKind.OUTAGE] * counts.outages
    )


def _lasts_s(kind: FaultKind, session_timeout_s: float, rng: random.Random) -> float:
    match kind:
        case FaultKind.STOP:
            return session_timeout_s * 1.2 + rng.uniform(1.0, 5.0)
        case FaultKind.OUTAGE:
            return rng.uniform(3.0, 8.0)
        case _:
            return 0.0
