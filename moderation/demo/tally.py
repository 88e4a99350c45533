"""What came back while the demo ran, added up. No clock and no broker: it is told what arrived and when."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from moderation.demo.manifest import Manifest
from moderation.demo.timeline import Placed, clip_at
from moderation.events import ModerationFlag, Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFlag:
    """A flag, and when it arrived here."""

    flag: ModerationFlag
    arrived_at: datetime

    @property
    def latency_ms(self) -> float:
        """Time from the end of speech to the flag's arrival."""
        return (self.arrived_at - self.flag.ended_at).total_seconds() * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Latencies of flags from the end of speech, nearest rank, in milliseconds."""

    p50_ms: float
    p95_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipOutcome:
    """A clip that was played: whether it ought to be flagged, whether it was, and which categories were missed."""

    clip_id: str
    expected: bool
    flagged: bool
    missed: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The demo in numbers. `spoken` counts clips in which somebody speaks, `strays` flags outside of any clip."""

    streams: int
    sessions: int
    spoken: int
    clips: tuple[ClipOutcome, ...]
    utterances: int
    flags: int
    strays: int
    by_category: Mapping[str, int]
    by_severity: Mapping[str, int]
    latency: Latency | None
    dead_letters: int


class Tally:
    """Collects what arrives. A later revision of a flag takes the place of an earlier one, or takes it back."""

    def __init__(self) -> None:
        self._flags: dict[str, SeenFlag] = {}
        self._latencies_ms: dict[str, float] = {}
        self._utterances: set[str] = set()
        self._dead_letters = 0

    @property
    def counts(self) -> tuple[int, int, int]:
        """Utterances, flags and dead letters so far."""
        return len(self._utterances), len(self._standing), self._dead_letters

    def add_flag(self, seen: SeenFlag) -> None:
        """A flag, or another revision of one, arrived."""
        known = self._flags.get(seen.flag.flag_id)
        if known is None or known.flag.revision <= seen.flag.revision:
            self._flags[seen.flag.flag_id] = seen
        if not (seen.flag.provisional or seen.flag.is_withdrawn):
            self._latencies_ms.setdefault(seen.flag.flag_id, seen.latency_ms)

    def add_transcript(self, transcript: Transcript) -> None:
        """A transcript arrived; partials and repetitions do not count."""
        if transcript.is_final:
            self._utterances.add(transcript.utterance_id)

    def add_dead_letter(self) -> None:
        """A dead letter arrived."""
        self._dead_letters += 1

    def summarise(self, placed: Sequence[Placed], manifest: Manifest, *, streams: int, sessions: int) -> Summary:
        """The numbers, with what was played."""
        found = self._categories_by_play(placed)
        flags = self._standing
        return Summary(
            streams=streams,
            sessions=sessions,
            spoken=sum(bool(manifest.clip(one.clip_id).text) for one in placed),
            clips=tuple(_outcome(one.clip_id, found.get((one.stream_id, one.clip_id)), manifest) for one in placed),
            utterances=len(self._utterances),
            flags=len(flags),
            strays=sum(_play_of(flag, placed)[1] is None for flag in flags),
            by_category=Counter(category for flag in flags for category in sorted(_categories(flag))),
            by_severity=Counter(flag.severity.value for flag in flags),
            latency=latency_of(list(self._latencies_ms.values())),
            dead_letters=self._dead_letters,
        )

    def _categories_by_play(self, placed: Sequence[Placed]) -> dict[tuple[str, str | None], frozenset[str]]:
        found: dict[tuple[str, str | None], frozenset[str]] = {}
        for flag in self._standing:
            play = _play_of(flag, placed)
            found[play] = found.get(play, frozenset()) | _categories(flag)
        return found

    @property
    def _standing(self) -> list[ModerationFlag]:
        """The flags that were not withdrawn."""
        return [seen.flag for seen in self._flags.values() if not seen.flag.is_withdrawn]


def latency_of(latencies_ms: Sequence[float]) -> Latency | None:
    """The percentiles; None of nothing."""
    if not latencies_ms:
        return None
    ranked = sorted(latencies_ms)
    return Latency(p50_ms=_percentile(ranked, 50), p95_ms=_percentile(ranked, 95), max_ms=ranked[-1])


def _percentile(ranked: Sequence[float], percent: int) -> float:
    return ranked[max(0, -(-len(ranked) * percent // 100) - 1)]


def _categories(flag: ModerationFlag) -> frozenset[str]:
    return frozenset(detection.category for detection in flag.detections)


def _play_of(flag: ModerationFlag, placed: Sequence[Placed]) -> tuple[str, str | None]:
    stream_id = flag.identity.stream_id
    return stream_id, clip_at(placed, stream_id=stream_id, start_ms=flag.start_ms, end_ms=flag.end_ms)


def _outcome(clip_id: str, categories: frozenset[str] | None, manifest: Manifest) -> ClipOutcome:
    expect = manifest.clip(clip_id).expect
    missed = expect.required - (categories or frozenset()) if expect.flagged else frozenset[str]()
    return ClipOutcome(clip_id=clip_id, expected=expect.flagged, flagged=categories is not None, missed=missed)
