"""What must be the same of an utterance, or of a flag, whenever and by whomever it is told. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moderation.events import ModerationFlag, Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """An utterance or a flag: its id, where it is, and its parts by name. The parts hold text; names and ids do not."""

    fact_id: str
    stream_id: str
    first_sequence: int
    last_sequence: int
    parts: Mapping[str, Any]
    details: Mapping[str, Any] = field(default_factory=dict)
    """What had better be the same, and is counted apart."""

    def overlaps(self, other: "Fact") -> bool:
        """Whether they share a chunk."""
        return (
            self.stream_id == other.stream_id
            and self.first_sequence <= other.last_sequence
            and other.first_sequence <= self.last_sequence
        )


def utterance_fact(transcript: Transcript) -> Fact:
    """Of a final transcript: everything but confidences; the times of words are a detail."""
    return Fact(
        fact_id=transcript.utterance_id,
        stream_id=transcript.identity.stream_id,
        first_sequence=transcript.first_sequence,
        last_sequence=transcript.last_sequence,
        parts={
            "sequences": (transcript.first_sequence, transcript.last_sequence),
            "times": (transcript.start_ms, transcript.end_ms, transcript.started_at, transcript.ended_at),
            "text": transcript.text,
            "language": transcript.language.language,
            "engine": (transcript.engine, transcript.model),
            "missing audio": getattr(transcript, "missing", ()),
        },
        details={"word times": [(word.start_ms, word.end_ms) for word in transcript.words]},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyFlags:
    """The provisional flags of a run, and what became of them."""

    told: int
    """Flags that were told early, their revisions not counted."""
    withdrawn: int
    unsettled: int
    """Those without a final revision above every provisional one: a moderation queue would wait for ever."""

    @classmethod
    def of(cls, flags: Iterable[ModerationFlag]) -> "EarlyFlags":
        """From every flag of a run, in any order."""
        latest: dict[str, int] = {}
        final: dict[str, int] = {}
        withdrawn = set()
        for flag in flags:
            kind = latest if flag.provisional else final
            kind[flag.flag_id] = max(flag.revision, kind.get(flag.flag_id, -1))
            if flag.is_withdrawn:
                withdrawn.add(flag.flag_id)
        return cls(
            told=len(latest),
            withdrawn=len(withdrawn),
            unsettled=sum(final.get(flag_id, -1) <= revision for flag_id, revision in latest.items()),
        )


def standing(flags: Iterable[ModerationFlag]) -> list[ModerationFlag]:
    """The final revisions that are flags.

    Which provisional ones are told, and hence taken back, depends on how busy a worker is: they need not be the same in
    two runs.
    """
    return [flag for flag in flags if not flag.provisional and not flag.is_withdrawn]


def flag_fact(flag: ModerationFlag) -> Fact:
    """Of a flag: what was said when, what was found, and the audio behind it; not its context and timings.

    The context is what the worker heard of the session before, and a successor heard less.
    """
    return Fact(
        fact_id=f"{flag.flag_id}.{flag.revision}",
        stream_id=flag.identity.stream_id,
        first_sequence=flag.first_sequence,
        last_sequence=flag.last_sequence,
        parts={
            "flag sequences": (flag.first_sequence, flag.last_sequence),
            "flag times": (flag.start_ms, flag.end_ms),
            "flag text": flag.text,
            "flag severity": (flag.severity, flag.action, flag.policy_id, flag.policy_version),
            "flag categories": sorted({(found.kind.value, found.category) for found in flag.detections}),
            "flag evidence": flag.evidence.sha256,
        },
    )
