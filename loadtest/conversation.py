"""Who talks when: seeded turns and pauses with a given share of talk."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loadtest.clips import PACKET_MS, Clip

MEAN_PAUSE_MIN_MS = 600
"""The shortest mean pause: below it, utterances would run together at the default endpointing silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A clip spoken in a stream. `start_ms` and `end_ms` count from the stream's first packet."""

    clip: Clip
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What one stream says: its packets, one per PACKET_MS, and the turns in them."""

    packets: tuple[bytes, ...]
    turns: tuple[Turn, ...]


def make_track(
    clips: Sequence[Clip], silence: bytes, *, duration_ms: int, talk_ratio: float, rng: random.Random
) -> Track:
    """A stream of the given length that talks for about `talk_ratio` of the time, not at all at 0.

    Pauses are exponentially distributed, as gaps between the turns of one speaker roughly are, and never shorter than
    half of MEAN_PAUSE_MIN_MS.
    """
    packets: list[bytes] = []
    turns: list[Turn] = []
    for pause_ms, clip in _turns(clips, talk_ratio, rng):
        packets += [silence] * (pause_ms // PACKET_MS)
        if (len(packets) + len(clip.packets)) * PACKET_MS > duration_ms:
            break
        start_ms = len(packets) * PACKET_MS
        packets += clip.packets
        turns.append(Turn(clip=clip, start_ms=start_ms, end_ms=len(packets) * PACKET_MS))
    total = duration_ms // PACKET_MS
    packets = packets[:total] + [silence] * (total - len(packets))
    return Track(packets=tuple(packets), turns=tuple(turns))


def _turns(clips: Sequence[Clip], talk_ratio: float, rng: random.Random) -> Iterator[tuple[int, Clip]]:
    if not talk_ratio:
        return
    mean_clip_ms = sum(clip.duration_ms for clip in clips) / len(clips)
    mean_pause_ms = max(MEAN_PAUSE_MIN_MS, mean_clip_ms * (1 - talk_ratio) / talk_ratio)
    while True:
        pause_ms = max(MEAN_PAUSE_MIN_MS // 2, round(rng.expovariate(1 / mean_pause_ms)))
        yield pause_ms, rng.choice(clips)
