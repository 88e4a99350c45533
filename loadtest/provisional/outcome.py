"""From a listed word to its flag, from what a run showed. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from loadtest.report import PlannedTurn, SeenFlag, percentile
from moderation.events import DetectionKind, ModerationFlag


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One run. Delays are from the end of the listed word to the broker's confirmation, ms.

    `early` of the utterances got their provisional flag before they ended, `late` a provisional flag afterwards or
    none though the final one found the word; the word of the rest was not recognised at all. Delays are those of all
    utterances whose word was found, by whichever flag came first: what `late` ones waited counts.
    """

    utterances: int
    found: int
    early: int
    late: int
    unfounded: int
    """Provisional flags without a final one."""
    p50_ms: float | None
    p95_ms: float | None
    listening_p50_ms: float | None
    """The part of the early ones until the audio with which the word was found had been spoken."""
    telling_p50_ms: float | None
    """The rest of them: transport, decoding, judging, publishing."""
    final_p50_ms: float | None
    """From the end of the word to the final flag."""
    worker_cores: float
    """Processor time of the worker and its processes over the time of the run."""

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    first_ms: float
    final_ms: float
    listening_ms: float
    is_early: bool


def summarise(
    planned: Sequence[PlannedTurn], early: Sequence[SeenFlag], final: Sequence[SeenFlag], *, worker_cores: float
) -> Outcome:
    """The figures of a run; of flags about the same utterance the first one counts."""
    found = list(_found(planned, early, final))
    delays = sorted(item.first_ms for item in found)
    settled = {item.flag.flag_id for item in final}
    before_end = sum(item.is_early for item in found)
    return Outcome(
        utterances=len(planned),
        found=len(found),
        early=before_end,
        late=len(found) - before_end,
        unfounded=len({item.flag.flag_id for item in early} - settled),
        p50_ms=percentile(delays, 0.5),
        p95_ms=percentile(delays, 0.95),
        listening_p50_ms=percentile(sorted(item.listening_ms for item in found if item.is_early), 0.5),
        telling_p50_ms=percentile(sorted(item.first_ms - item.listening_ms for item in found if item.is_early), 0.5),
        final_p50_ms=percentile(sorted(item.final_ms for item in found), 0.5),
        worker_cores=round(worker_cores, 3),
    )


def _found(planned: Sequence[PlannedTurn], early: Sequence[SeenFlag], final: Sequence[SeenFlag]) -> Iterator[_Found]:
    for turn in planned:
        settled = min((item for item in final if _is_about(item.flag, turn)), key=_published, default=None)
        said_at = None if settled is None else _said_at(settled.flag)
        if settled is None or said_at is None:
            continue
        told = min(
            (i for i in early if i.flag.flag_id == settled.flag.flag_id and _said_at(i.flag)),
            key=_published,
            default=settled,
        )
        yield _Found(
            first_ms=(told.published_at - said_at).total_seconds() * 1000,
            final_ms=(settled.published_at - said_at).total_seconds() * 1000,
            listening_ms=(told.flag.ended_at - said_at).total_seconds() * 1000,
            is_early=told.published_at < turn.ended_at,
        )


def _published(item: SeenFlag) -> datetime:
    return item.published_at


def _is_about(flag: ModerationFlag, turn: PlannedTurn) -> bool:
    overlaps = flag.started_at < turn.ended_at and flag.ended_at > turn.started_at
    return flag.identity.stream_id == turn.stream_id and overlaps


def _said_at(flag: ModerationFlag) -> datetime | None:
    """When the listed word had been said; None where the flag is about something else."""
    ends = [one.end_ms for one in flag.detections if one.kind is DetectionKind.VOCABULARY and one.end_ms is not None]
    return flag.started_at + timedelta(milliseconds=min(ends) - flag.start_ms) if ends else None
