"""What one core carries, from what streams cost: pure arithmetic on measured processor time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moderation.events import AudioEncoding

USABLE_SHARE = 0.7
"""Of a core: what may go into what is measured here. Assumed, not measured: Faust and Kafka take their part (`make
bench` says how much), and what waits behind a busy core waits the longer the busier it is."""

SESSION_TALK_RATIO = 0.25
"""Share of the time that a speaker talks in voice chat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What streams cost with one engine, in one encoding."""

    engine: str
    encoding: AudioEncoding
    language: str
    """Streams were recognised in it."""
    spoken_language: str
    """What the clips are in: of another language than `language` an engine may take more time, or less."""
    talk_s: float
    audio_s: float
    """Talk and the breaths between."""
    cpu_s: float
    """For all of the audio."""
    muted_ms_per_s: float
    model_mb: float
    """What the loaded engine takes, MiB; memory that its processes share counts once."""

    @property
    def speech_ms_per_s(self) -> float:
        """Processor time of a second of talk, ms; the breaths count as a muted stream does."""
        breaths_s = self.audio_s - self.talk_s
        return max(0.0, self.cpu_s * 1000 - breaths_s * self.muted_ms_per_s) / self.talk_s

    def streams_per_core(self, talk_ratio: float) -> int:
        """How many streams that talk for so much of the time keep a core busy for its usable share."""
        cost_ms = talk_ratio * self.speech_ms_per_s + (1 - talk_ratio) * self.muted_ms_per_s
        return int(USABLE_SHARE * 1000 / cost_ms) if cost_ms else 0

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "engine": self.engine,
            "encoding": self.encoding.value,
            "language": self.language,
            "spoken_language": self.spoken_language,
            "cpu_ms_per_s_of_speech": round(self.speech_ms_per_s, 2),
            "cpu_ms_per_muted_s": round(self.muted_ms_per_s, 2),
            "talking_streams_per_core": self.streams_per_core(1.0),
            "sessions_per_core": self.streams_per_core(SESSION_TALK_RATIO),
            "session_talk_ratio": SESSION_TALK_RATIO,
            "usable_share_of_a_core": USABLE_SHARE,
            "model_mb": round(self.model_mb),
            "measured_speech_s": round(self.talk_s, 1),
        }


_HEAD = ("engine", "encoding", "CPU ms per s of speech", "per muted s", "streams/core", "sessions/core", "model MB")


def table(loads: Sequence[Load]) -> list[str]:
    """The loads as lines of text, with a heading."""
    rows = [_HEAD, *map(_row, loads)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return ["  ".join(_placed(cell, widths[n], n) for n, cell in enumerate(row)).rstrip() for row in rows]


def notes(loads: Sequence[Load], *, cores: int, worker_mb: float) -> list[str]:
    """What to know about the table, a sentence a line."""
    foreign = sorted({load.engine for load in loads if load.language != load.spoken_language})
    told = [
        f"streams/core: all talk without end. sessions/core: each talks {SESSION_TALK_RATIO:.0%} of the time.",
        f"Both take {USABLE_SHARE:.0%} of a core: the rest is for Faust, Kafka and so that nothing waits long.",
        f"Cores here: {cores}. A worker takes {worker_mb:.0f} MB beside its models.",
    ]
    told += [
        f"{name} heard clips in a language that it does not know, which costs a multiple: name others with --speech."
        for name in foreign
    ]
    return [
        *told,
        "Estimates from processor time; `python -m loadtest capacity` measures through a broker, with latency.",
    ]


def finding(load: Load) -> Mapping[str, Any]:
    """A load in the form of doctor's findings, with its figures."""
    return {
        "area": "bench",
        "level": "ok",
        "what": f"{load.engine}, {load.encoding.value}: about {load.streams_per_core(1.0)} talking streams or "
        f"{load.streams_per_core(SESSION_TALK_RATIO)} voice sessions a core",
        "advice": None,
        "figures": load.to_json(),
    }


def _row(load: Load) -> tuple[str, ...]:
    return (
        load.engine,
        load.encoding.value.lower(),
        f"{load.speech_ms_per_s:.1f}",
        f"{load.muted_ms_per_s:.2f}",
        str(load.streams_per_core(1.0)),
        str(load.streams_per_core(SESSION_TALK_RATIO)),
        f"{load.model_mb:.0f}",
    )


def _placed(cell: str, width: int, column: int) -> str:
    """Names to the left, numbers to the right."""
    return cell.ljust(width) if column < 2 else cell.rjust(width)
