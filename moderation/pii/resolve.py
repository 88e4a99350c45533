"""From what all recognisers found to what is masked: nothing overlaps, and no half of a number is left over."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from moderation.pii.match import PiiMatch
from moderation.pii.reading import DigitRun, Reading

_DELIMITED = frozenset({"IP_ADDRESS", "EMAIL", "URL", "PERSON"})
"""What shows where it ends, so that digits behind it are none of it."""

_LEAST_DIGITS_OF_RUN = 7
_LEAST_DIGITS_RUNNING_ON = 4


def resolve(reading: Reading, matches: Iterable[PiiMatch]) -> list[PiiMatch]:
    """Let surer matches cut the others, then cover digits that run on from a match. Sorted by position."""
    text = reading.text
    owner: list[int] = [-1] * len(text)
    ranked = sorted(matches, key=lambda match: (-match.score, match.start - match.end, match.start, match.entity))
    kept: list[PiiMatch] = []
    for number, match in enumerate(ranked):
        position = match.start
        while position < match.end:
            if owner[position] != -1:
                position = ranked[owner[position]].end
                continue
            end = position
            while end < match.end and owner[end] == -1:
                owner[end] = number
                end += 1
            start, stop = _trim(text, position, end)
            if start < stop:
                kept.append(replace(match, start=start, end=stop))
            position = end
    if kept:
        kept.extend(_running_on(reading, owner, ranked))
    return sorted(kept, key=lambda match: match.start)


def _running_on(reading: Reading, owner: list[int], ranked: list[PiiMatch]) -> Iterator[PiiMatch]:
    """What is left of a run of digits that a match took a part of, unless it is too short to tell anything.

    Where numbers are said without a word between them, their borders are guesses.
    """
    for run in reading.runs:
        if len(run.digits) < _LEAST_DIGITS_OF_RUN:
            continue
        owners = [owner[reading.tokens[atom.first].start] for atom in run.atoms]
        owners = [
            taken if taken != -1 else owner[reading.tokens[atom.last].start]
            for taken, atom in zip(owners, run.atoms, strict=True)
        ]
        takers = (ranked[number] for number in owners if number != -1)
        taken_by = next((match for match in takers if match.entity not in _DELIMITED), None)
        if taken_by is None:
            continue
        for part in _untaken(run, owners):
            if len(part.digits) >= _LEAST_DIGITS_RUNNING_ON:
                start, end = reading.run_span(part)
                rule = "digits that run on from another number"
                yield PiiMatch(start=start, end=end, entity=taken_by.entity, score=0.5, rule=rule)


def _untaken(run: DigitRun, owners: list[int]) -> Iterator[DigitRun]:
    first: int | None = None
    for position, owner in enumerate([*owners, 0]):
        if owner == -1:
            first = position if first is None else first
        elif first is not None:
            yield run.part(first, position - 1)
            first = None


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """A remainder without the white space and punctuation at its ends; whole matches have none that matters."""
    while start < end and not (text[start].isalnum() or text[start] in "(+"):
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
