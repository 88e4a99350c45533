"""Honest streams beside the hostile ones: rounds of real-time conversation, one after another."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from loadtest.report import percentile, unflagged, untranscribed
from loadtest.run import Observed, Plan, Run
from moderation.contracts.codecs import Codecs

TAIL_S = 3.0
PATIENCE_S = 90.0
TALK_RATIO = 0.4
_TARGETED_ROUNDS = 30
_EXAMPLES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourReport:
    """What became of the honest streams."""

    streams: int
    turns: int
    turns_missing: int
    flags_planted: int
    flags_missing: int
    flags_false: int
    utterances_repeated: int
    """Transcripts beyond the first of an utterance."""
    examples: tuple[str, ...]
    """Turns that were not transcribed or not flagged: stream, clip, start, and the transcripts that tell of them."""
    p50_ms: float | None
    p95_ms: float | None
    max_ms: float | None

    @property
    def is_right(self) -> bool:
        """Whether every turn was transcribed and every planted flag found."""
        return not (self.turns_missing or self.flags_missing)

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "good_streams": self.streams,
            "good_turns": self.turns,
            "good_turns_missing": self.turns_missing,
            "good_flags_planted": self.flags_planted,
            "good_flags_missing": self.flags_missing,
            "good_flags_false": self.flags_false,
            "good_utterances_repeated": self.utterances_repeated,
            "good_missing": list(self.examples),
            "good_p50_ms": self.p50_ms,
            "good_p95_ms": self.p95_ms,
            "good_max_ms": self.max_ms,
        }


class Neighbours:
    """Plays rounds until told to stop, and finishes the one under way."""

    def __init__(
        self,
        codecs: Codecs,
        bootstrap_servers: str,
        names: Mapping[str, str],
        *,
        streams: int,
        round_s: float,
        seed: int,
    ) -> None:
        self._codecs = codecs
        self._bootstrap = bootstrap_servers
        self._names = names
        self._streams = streams
        self._round_s = round_s
        self._seed = seed
        self._stopping = False
        self._rounds: list[Observed] = []
        self._prefix = uuid4().hex[:8]
        self.stream_ids = tuple(
            f"{self._prefix}.{number}-{stream}" for number in range(_TARGETED_ROUNDS) for stream in range(streams)
        )
        """Ids that are used by now or will be, which hostile tenants may use as well."""

    def stop(self) -> None:
        """Begin no further round."""
        self._stopping = True

    async def play(self) -> None:
        """Play at least one round."""
        while self._streams and not (self._stopping and self._rounds):
            run_id = f"{self._prefix}.{len(self._rounds)}"
            run = Run(self._plan(), self._codecs, on_progress=lambda _: None, run_id=run_id)
            self._rounds.append(await run.observe())

    def _plan(self) -> Plan:
        return Plan.for_topics(
            self._names,
            bootstrap=self._bootstrap,
            streams=self._streams,
            seconds=self._round_s,
            talk_ratio=TALK_RATIO,
            seed=self._seed + len(self._rounds),
            tail_s=TAIL_S,
            patience_s=PATIENCE_S,
        )

    def progress(self) -> str:
        """For people."""
        told = self.report()
        return (
            f"good: {len(self._rounds)} rounds, {told.turns - told.turns_missing} of {told.turns} turns, "
            f"{told.flags_planted - told.flags_missing} of {told.flags_planted} flags"
        )

    def report(self) -> NeighbourReport:
        """Of the rounds that are over."""
        flags = [flag for each in self._rounds for flag in each.flags]
        latencies = sorted(flag.latency_ms for flag in flags)
        return NeighbourReport(
            streams=self._streams * len(self._rounds),
            turns=sum(len(each.planned) for each in self._rounds),
            turns_missing=sum(len(untranscribed(each.planned, each.transcripts)) for each in self._rounds),
            flags_planted=sum(turn.turn.clip.flagged for each in self._rounds for turn in each.planned),
            flags_missing=sum(len(unflagged(each.planned, each.flags)) for each in self._rounds),
            flags_false=sum(each.report().false_flags for each in self._rounds),
            utterances_repeated=sum(
                len(each.transcripts) - len({item.utterance_id for item in each.transcripts}) for each in self._rounds
            ),
            examples=tuple(text for each in self._rounds for text in _examples(each))[:_EXAMPLES],
            p50_ms=percentile(latencies, 0.5),
            p95_ms=percentile(latencies, 0.95),
            max_ms=percentile(latencies, 1.0),
        )


def _examples(observed: Observed) -> Iterator[str]:
    lost = [*untranscribed(observed.planned, observed.transcripts), *unflagged(observed.planned, observed.flags)]
    for turn in lost:
        heard = [item for item in observed.transcripts if not untranscribed([turn], [item])]
        spans = ", ".join(
            f"{(item.started_at - turn.started_at).total_seconds():+.1f} to "
            f"{(item.ended_at - turn.started_at).total_seconds():+.1f} s"
            for item in heard
        )
        yield (
            f"{turn.stream_id}: {turn.turn.clip.clip_id} from {turn.turn.start_ms} to {turn.turn.end_ms} ms, "
            f"transcripts relative to it: {spans or 'none'}"
        )
