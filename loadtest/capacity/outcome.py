"""What a trial showed, and whether its streams were carried. Pure functions of what was measured."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from loadtest.report import SeenFlag, percentile

CHUNKS_PER_S = 5
"""Of a stream, at the 200 ms that the load tests send."""
MOST_LAG_GROWTH_S = 0.5
"""By how much longer the chunks may wait for the worker in the last third than in the first, s."""
MOST_PRODUCER_DELAY_MS = 300.0
"""How late the producers may be before a trial says more about them than about the worker."""
P95_LIMIT_MS = 1_500.0
"""From the end of speech to the flag at the 95th percentile, at most, unless a trial asks for another limit."""
LEAST_FLAGS = 20
"""Fewer say nothing about a 95th percentile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How many chunks were sent and not yet heard by the worker, at an instant, s from the start of the trial."""

    at_s: float
    chunks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One trial."""

    streams: int
    speech_share: float
    flags: int
    p50_ms: float | None
    p95_ms: float | None
    late_p95_ms: float | None
    """Of the last third of the trial."""
    lag_growth_s: float
    worker_cores: float
    """Processor time of the worker and its processes over the time of the trial."""
    producer_late_ms: float
    turns_missing: int
    dead_letters: int
    engine: str | None
    """What recognised most of the flagged utterances, with its version."""
    stages_ms: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    """Where the time of the flags went, as `stage_times` tells it."""
    p95_limit_ms: float = P95_LIMIT_MS

    @property
    def reasons(self) -> list[str]:
        """Why the streams were not carried; nothing when they were."""
        return list(self._reasons())

    @property
    def is_carried(self) -> bool:
        """Whether latency held, nothing piled up and nothing was missing."""
        return not self.reasons

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "streams": self.streams,
            "carried": self.is_carried,
            "reasons": self.reasons,
            "speech_share": self.speech_share,
            "flags": self.flags,
            "p50_ms": self.p50_ms,
            "p95_ms": self.p95_ms,
            "late_p95_ms": self.late_p95_ms,
            "lag_growth_s": self.lag_growth_s,
            "worker_cores": self.worker_cores,
            "producer_late_ms": self.producer_late_ms,
            "turns_missing": self.turns_missing,
            "dead_letters": self.dead_letters,
            "engine": self.engine,
            "stages_ms": self.stages_ms,
        }

    def _reasons(self) -> Iterator[str]:
        if self.producer_late_ms > MOST_PRODUCER_DELAY_MS:
            yield f"the producers were {self.producer_late_ms:.0f} ms late: give them more processor, not the worker"
        if self.flags < LEAST_FLAGS:
            yield f"{self.flags} flags are too few to judge; make the trials longer"
        for name, found in (("p95", self.p95_ms), ("p95 of the last third", self.late_p95_ms)):
            if found is not None and found > self.p95_limit_ms:
                yield f"{name} {found:.0f} ms"
        if self.lag_growth_s > MOST_LAG_GROWTH_S:
            yield f"lag grew by {self.lag_growth_s:.1f} s"
        if self.turns_missing:
            yield f"{self.turns_missing} turns were not transcribed"
        if self.dead_letters:
            yield f"{self.dead_letters} dead letters"


def settled(flags: Sequence[SeenFlag], *, since: datetime) -> list[SeenFlag]:
    """The flags whose speech ended after `since`, by that end; each counts once, as it came first."""
    first_seen: dict[str, SeenFlag] = {}
    for item in sorted(flags, key=lambda item: item.published_at):
        first_seen.setdefault(item.flag.flag_id, item)
    return sorted((i for i in first_seen.values() if i.flag.ended_at >= since), key=lambda i: i.flag.ended_at)


def latencies(flags: Sequence[SeenFlag]) -> tuple[float | None, float | None, float | None]:
    """p50, p95, and p95 of the last third, of `settled` flags, ms."""
    if not flags:
        return None, None, None
    begin, end = flags[0].flag.ended_at, flags[-1].flag.ended_at
    last_third = [i for i in flags if i.flag.ended_at >= begin + (end - begin) * 2 / 3]
    ordered = sorted(item.latency_ms for item in flags)
    late = sorted(item.latency_ms for item in last_third)
    return percentile(ordered, 0.5), percentile(ordered, 0.95), percentile(late, 0.95)


def stage_times(flags: Sequence[SeenFlag]) -> dict[str, dict[str, float | None]]:
    """p50 and p95 of each stage between the end of speech and the flag, ms; the stages of one flag sum to its latency.

    To the stages that flags tell come `publishing`, until the broker took the flag, and `arriving`: what is left, the
    rest of the chunk in which the end was decided and its way to the worker.
    """
    taken: defaultdict[str, list[float]] = defaultdict(list)
    for item in flags:
        publishing_ms = (item.published_at - item.flag.flagged_at).total_seconds() * 1000
        stages = {**item.flag.timings_ms, "publishing": publishing_ms}
        for name, spent_ms in {**stages, "arriving": item.latency_ms - sum(stages.values())}.items():
            taken[name].append(spent_ms)
    return {
        name: {"p50": percentile(sorted(spent), 0.5), "p95": percentile(sorted(spent), 0.95)}
        for name, spent in taken.items()
    }


def engine_of(flags: Sequence[SeenFlag]) -> str | None:
    """What recognised most of them; None of nothing."""
    engines = Counter(item.flag.models["asr"] for item in flags)
    return engines.most_common(1)[0][0] if engines else None


def lag_growth_s(samples: Sequence[Lag], *, streams: int) -> float:
    """Mean lag of the last third of the samples less that of the first, in seconds of what the streams send."""
    if len(samples) < 3:
        return 0.0
    third = len(samples) // 3
    first, last = samples[:third], samples[-third:]
    grown = _mean(last) - _mean(first)
    return round(grown / (streams * CHUNKS_PER_S), 2)


def _mean(samples: Sequence[Lag]) -> float:
    return sum(sample.chunks for sample in samples) / len(samples)


def plot(outcomes: Sequence[Outcome], *, width: int = 60) -> str:
    """Latency against streams, as text: a bar to the 95th percentile, marked at the median and at the limit."""
    if not outcomes:
        return ""
    limit_ms = outcomes[0].p95_limit_ms
    scale = width / max(limit_ms * 1.5, 1.0)
    lines = [f"{'streams':>8}  end of speech to flag, ms: o p50, = to p95, | the limit of {limit_ms:.0f}"]
    ordered = sorted(outcomes, key=lambda outcome: outcome.streams)
    for _, same in itertools.groupby(ordered, key=lambda outcome: outcome.streams):
        lines += [_bar(outcome, scale, width) for outcome in same]
    return "\n".join(lines)


def _bar(outcome: Outcome, scale: float, width: int) -> str:
    row = [" "] * (width + 1)
    if outcome.p50_ms is not None and outcome.p95_ms is not None:
        for at in range(min(width, round(outcome.p95_ms * scale)) + 1):
            row[at] = "="
        row[min(width, round(outcome.p50_ms * scale))] = "o"
    row[min(width, round(outcome.p95_limit_ms * scale))] = "|"
    p95 = "no flags" if outcome.p95_ms is None else f"{outcome.p95_ms:.0f}"
    return f"{outcome.streams:>8}  {''.join(row)} {p95}{'' if outcome.is_carried else '  not carried'}"
