"""What a run showed: pure functions of what was sent and what came back."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from loadtest.conversation import Turn
from moderation.events import ModerationFlag

TOLERANCE = timedelta(milliseconds=700)
"""How far a flag may reach over the turn that it is about: padding and endpointing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTurn:
    """A turn with the stream it was in and the instants at which it was spoken."""

    stream_id: str
    turn: Turn
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFlag:
    """A flag with the instant at which the broker took it."""

    flag: ModerationFlag
    published_at: datetime

    @property
    def latency_ms(self) -> float:
        """From the end of speech to the broker."""
        return (self.published_at - self.flag.ended_at).total_seconds() * 1000


@dataclass(frozen=True, slots=True)
class Heard:
    """A final transcript: of which stream, its id, and what it spans."""

    stream_id: str
    utterance_id: str
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The figures of a run."""

    streams: int
    seconds: float
    talk_ratio: float
    chunks_sent: int
    producer_late_ms_max: float
    turns: int
    flags_planted: int
    flags_found: int
    flags_seen: int
    false_flags: int
    duplicate_flags: int
    dead_letters: int
    p50_ms: float | None
    p95_ms: float | None

    def to_json(self) -> dict[str, Any]:
        """The figures as a JSON object."""
        return asdict(self)


def summarise(planned: Sequence[PlannedTurn], seen: Sequence[SeenFlag], figures: Mapping[str, Any]) -> Report:
    """Match flags to the turns they are about, by stream and time. `figures` are the run's other fields."""
    unique = {item.flag.flag_id: item for item in reversed(seen)}
    found = [turn for turn in planned if turn.turn.clip.flagged and any(_about(i, turn) for i in unique.values())]
    false = [i for i in unique.values() if not any(_about(i, turn) for turn in planned if turn.turn.clip.flagged)]
    latencies = sorted(item.latency_ms for item in unique.values())
    talk_ms = sum(turn.turn.end_ms - turn.turn.start_ms for turn in planned)
    return Report(
        talk_ratio=round(talk_ms / 1000 / (figures["streams"] * figures["seconds"]), 3),
        turns=len(planned),
        flags_planted=sum(turn.turn.clip.flagged for turn in planned),
        flags_found=len(found),
        flags_seen=len(unique),
        false_flags=len(false),
        duplicate_flags=len(seen) - len(unique),
        p50_ms=percentile(latencies, 0.50),
        p95_ms=percentile(latencies, 0.95),
        **figures,
    )


def untranscribed(planned: Sequence[PlannedTurn], heard: Iterable[Heard]) -> list[PlannedTurn]:
    """The turns of which no transcript tells."""
    by_stream: defaultdict[str, list[Heard]] = defaultdict(list)
    for item in heard:
        by_stream[item.stream_id].append(item)
    return [
        turn
        for turn in planned
        if not any(_meets(turn, item.started_at, item.ended_at) for item in by_stream[turn.stream_id])
    ]


def unflagged(planned: Sequence[PlannedTurn], seen: Sequence[SeenFlag]) -> list[PlannedTurn]:
    """The turns that ought to be flagged and were not."""
    by_stream: defaultdict[str, list[SeenFlag]] = defaultdict(list)
    for item in seen:
        by_stream[item.flag.identity.stream_id].append(item)
    wanted = [turn for turn in planned if turn.turn.clip.flagged]
    return [turn for turn in wanted if not any(_about(item, turn) for item in by_stream[turn.stream_id])]


def _about(item: SeenFlag, turn: PlannedTurn) -> bool:
    flag = item.flag
    return flag.identity.stream_id == turn.stream_id and _meets(turn, flag.started_at, flag.ended_at)


def _meets(turn: PlannedTurn, started_at: datetime, ended_at: datetime) -> bool:
    return started_at < turn.ended_at + TOLERANCE and ended_at > turn.started_at


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile of ascending values; None of nothing."""
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)
