"""Dead letters as lists and replays see them: without their payload."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moderation.client.reader import Received
from moderation.contracts.cloudevents import event_id
from moderation.contracts.replay import REPLAY_OF
from moderation.events import DeadLetter

STREAMS_COUNTED = 10_000
"""Distinct keys counted a code; beyond it the count stays, so that memory does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a message lies in a topic that is known."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A dead letter without its payload. `topic`, `partition`, `offset` and `timestamp` are those of the original."""

    letter_id: str
    code: str
    reason: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    size_bytes: int | None
    """Of the original's value; None when it had none, or when it was too large to be kept."""
    failed_at: datetime
    replay_of: str | None
    """The dead letter that this one is a failed replay of."""
    place: Place
    """Where the letter itself lies."""


@dataclass(slots=True)
class CodeSummary:
    """The dead letters of one code. `streams` counts keys, up to `STREAMS_COUNTED`."""

    code: str
    count: int = 0
    first_failed_at: datetime | None = None
    last_failed_at: datetime | None = None
    partitions: dict[str, set[int]] = field(default_factory=dict)
    replayed: int = 0
    _keys: set[bytes] = field(default_factory=set)

    @property
    def streams(self) -> int:
        """Distinct keys."""
        return len(self._keys)

    def add(self, letter: Letter, *, replayed: bool) -> None:
        """Count a letter."""
        self.count += 1
        self.replayed += replayed
        self.first_failed_at = min(self.first_failed_at or letter.failed_at, letter.failed_at)
        self.last_failed_at = max(self.last_failed_at or letter.failed_at, letter.failed_at)
        self.partitions.setdefault(letter.topic, set()).add(letter.partition)
        if letter.key is not None and len(self._keys) < STREAMS_COUNTED:
            self._keys.add(letter.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which letters are meant: those that pass every part that is given. `since` is included, `until` is not."""

    codes: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None

    def matches(self, letter: Letter) -> bool:
        """Whether the letter is meant."""
        return (
            (not self.codes or letter.code in self.codes)
            and (not self.ids or letter.letter_id in self.ids)
            and (not self.topics or letter.topic in self.topics)
            and (self.since is None or letter.failed_at >= self.since)
            and (self.until is None or letter.failed_at < self.until)
        )


def letter_of(received: Received[DeadLetter]) -> Letter:
    """What is kept in mind of a dead letter."""
    event = received.event
    return Letter(
        letter_id=event_id(event),
        code=event.code,
        reason=event.reason,
        topic=event.topic,
        partition=event.partition,
        offset=event.offset,
        key=event.key,
        size_bytes=None if event.value is None else len(event.value),
        failed_at=event.failed_at,
        replay_of=_replay_of(event),
        place=Place(partition=received.partition, offset=received.offset),
    )


def distinct(letters: Iterable[Letter]) -> Iterator[Letter]:
    """The letters without repetitions: a worker that was killed may have published one twice, under the same id."""
    seen: set[str] = set()
    for letter in letters:
        if letter.letter_id not in seen:
            seen.add(letter.letter_id)
            yield letter


def summarise(letters: Iterable[Letter], replayed: frozenset[str]) -> list[CodeSummary]:
    """A summary a code, the most frequent first; `replayed` are the ids of those that were."""
    summaries: dict[str, CodeSummary] = {}
    for letter in letters:
        summary = summaries.setdefault(letter.code, CodeSummary(letter.code))
        summary.add(letter, replayed=letter.letter_id in replayed)
    return sorted(summaries.values(), key=lambda summary: (-summary.count, summary.code))


def as_json(letter: Letter, *, replayed: bool) -> dict[str, Any]:
    """The letter as values that `json.dumps` takes."""
    return {
        "id": letter.letter_id,
        "code": letter.code,
        "reason": letter.reason,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "size_bytes": letter.size_bytes,
        "failed_at": iso(letter.failed_at),
        "replayed": replayed,
        "replay_of": letter.replay_of,
    }


def summary_as_json(summary: CodeSummary) -> dict[str, Any]:
    """The summary as values that `json.dumps` takes."""
    return {
        "code": summary.code,
        "count": summary.count,
        "replayed": summary.replayed,
        "streams": summary.streams,
        "first_failed_at": iso(summary.first_failed_at),
        "last_failed_at": iso(summary.last_failed_at),
        "topics": {topic: sorted(partitions) for topic, partitions in sorted(summary.partitions.items())},
    }


def iso(instant: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds, as everywhere in our JSON."""
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z") if instant else None


def _replay_of(event: DeadLetter) -> str | None:
    for name, value in event.headers:
        if name == REPLAY_OF:
            return (value or b"").decode("ascii", "replace")
    return None
