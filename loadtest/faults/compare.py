"""The faulted run against the reference run, utterance by utterance. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtest.faults.facts import Fact

EXAMPLES = 8
"""How many examples of each kind of difference are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference, without a word of what was said."""

    kind: str
    stream_id: str
    first_sequence: int
    last_sequence: int

    def __str__(self) -> str:
        return f"{self.kind}: stream {self.stream_id}, chunks {self.first_sequence} to {self.last_sequence}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a comparison of utterances, or of flags, found; counts are of distinct ids unless they say otherwise."""

    expected: int
    """How many the reference run has."""
    lost: tuple[Difference, ...]
    """In the reference run only."""
    moved: int
    """How many of the lost overlap with a ghost: told, but with other chunks."""
    ghosts: tuple[Difference, ...]
    """In the faulted run only."""
    mismatched: tuple[Difference, ...]
    """In both runs, with a part that differs; one entry for each part."""
    details: tuple[Difference, ...]
    """In both runs, with a detail that differs. Not a fault."""
    redelivered: int
    """Messages beyond the first of each id."""
    conflicting: tuple[Difference, ...]
    """Published more than once, and not the same each time; one entry for each part."""
    out_of_order: tuple[Difference, ...]
    """Appeared first after a later one of their stream."""

    @property
    def mismatched_facts(self) -> int:
        """How many have a part that differs."""
        return len({(item.stream_id, item.first_sequence, item.last_sequence) for item in self.mismatched})

    @property
    def conflicting_facts(self) -> int:
        """How many were not the same each time."""
        return len({(item.stream_id, item.first_sequence, item.last_sequence) for item in self.conflicting})

    @property
    def is_clean(self) -> bool:
        """Whether both runs tell the same, in order."""
        return not (self.lost or self.ghosts or self.mismatched or self.conflicting or self.out_of_order)

    def by_kind(self) -> dict[str, int]:
        """Kind of mismatch or conflict to how often."""
        return dict(sorted(Counter(item.kind for item in (*self.mismatched, *self.conflicting)).items()))

    def examples(self) -> list[Difference]:
        """A few of each kind."""
        shown: dict[str, list[Difference]] = defaultdict(list)
        for item in (*self.lost, *self.ghosts, *self.mismatched, *self.conflicting, *self.out_of_order, *self.details):
            shown[item.kind].append(item)
        return [item for items in shown.values() for item in items[:EXAMPLES]]


def compare(reference: Sequence[Fact], faulted: Sequence[Fact], *, what: str) -> Comparison:
    """Compare what was published by the two runs, each in the order of its topic. `what` is the noun of the kinds."""
    expected, told = _first_of_each(reference), _first_of_each(faulted)
    lost = [fact for key, fact in expected.items() if key not in told]
    ghosts = [fact for key, fact in told.items() if key not in expected]
    return Comparison(
        expected=len(expected),
        lost=tuple(_difference(f"lost {what}", fact) for fact in lost),
        moved=sum(any(fact.overlaps(ghost) for ghost in ghosts) for fact in lost),
        ghosts=tuple(_difference(f"ghost {what}", fact) for fact in ghosts),
        mismatched=tuple(
            _difference(name, fact)
            for key, fact in expected.items()
            if key in told
            for name in _differing(fact.parts, told[key].parts)
        ),
        details=tuple(
            _difference(name, fact)
            for key, fact in expected.items()
            if key in told
            for name in _differing(fact.details, told[key].details)
        ),
        redelivered=len(faulted) - len(told),
        conflicting=tuple(
            _difference(f"conflicting {name}", fact)
            for fact in faulted
            for name in _differing(told[fact.fact_id].parts, fact.parts)
        ),
        out_of_order=tuple(_difference(f"{what} out of order", fact) for fact in _late(told.values())),
    )


def _first_of_each(facts: Iterable[Fact]) -> Mapping[str, Fact]:
    """Id to the first fact of that id, in the order of first appearance."""
    found: dict[str, Fact] = {}
    for fact in facts:
        found.setdefault(fact.fact_id, fact)
    return found


def _differing(parts: Mapping[str, Any], others: Mapping[str, Any]) -> list[str]:
    return [name for name, part in parts.items() if part != others[name]]


def _late(facts: Iterable[Fact]) -> Iterator[Fact]:
    """Those that come after one of their stream that lies later in it."""
    furthest: dict[str, int] = {}
    for fact in facts:
        if fact.first_sequence < furthest.get(fact.stream_id, -1):
            yield fact
        furthest[fact.stream_id] = max(fact.first_sequence, furthest.get(fact.stream_id, -1))


def _difference(kind: str, fact: Fact) -> Difference:
    return Difference(
        kind=kind, stream_id=fact.stream_id, first_sequence=fact.first_sequence, last_sequence=fact.last_sequence
    )
