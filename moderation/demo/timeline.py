"""Where the clips of a stream lie in time, and the stream's audio."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from moderation.demo.noise import Audio
from moderation.demo.scenario import Scenario, StreamPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A clip on the timeline of its stream, in milliseconds since the stream's first chunk."""

    stream_id: str
    clip_id: str
    start_ms: int
    end_ms: int


def place(plan: StreamPlan, durations_ms: Mapping[str, int], *, until_ms: int) -> list[Placed]:
    """The clips of a stream that end by `until_ms`, in order; the rest are left out."""
    placed: list[Placed] = []
    at_ms = 0
    for play in plan.plays:
        start_ms = at_ms + round(play.gap_s * 1000)
        at_ms = start_ms + durations_ms[play.clip]
        if at_ms > until_ms:
            break
        placed.append(Placed(stream_id=plan.stream_id, clip_id=play.clip, start_ms=start_ms, end_ms=at_ms))
    return placed


def place_all(scenario: Scenario, durations_ms: Mapping[str, int]) -> list[Placed]:
    """The clips of every stream."""
    until_ms = round(scenario.duration_s * 1000)
    return [placed for plan in scenario.streams for placed in place(plan, durations_ms, until_ms=until_ms)]


def render(placed: Sequence[Placed], clips: Mapping[str, Audio], *, duration_s: float, rate_hz: int) -> Audio:
    """The audio of one stream: its clips (given at `rate_hz`) where they belong, silence between them."""
    audio = np.zeros(round(duration_s * rate_hz), dtype=np.float32)
    for one in placed:
        start = one.start_ms * rate_hz // 1000
        part = clips[one.clip_id][: len(audio) - start]
        audio[start : start + len(part)] = part
    return audio


def clip_at(placed: Sequence[Placed], *, stream_id: str, start_ms: int, end_ms: int) -> str | None:
    """The clip that a stretch of a stream shares most time with; None when it shares none with any."""
    shared = {
        one.clip_id: min(one.end_ms, end_ms) - max(one.start_ms, start_ms)
        for one in placed
        if one.stream_id == stream_id
    }
    best = max(shared, key=shared.__getitem__, default=None)
    return best if best is not None and shared[best] > 0 else None
