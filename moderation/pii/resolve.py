"""From what all recognisers found to what is masked: nothing overlaps, and no half of a number is left over."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import replace

from moderation.pii.match import PiiMatch
from moderation.pii.reading import HESITATIONS, DigitRun, Reading
from moderation.pii.spoken_number import NumberAtom

_DELIMITED = frozenset({"IP_ADDRESS", "EMAIL", "URL", "PERSON"})
"""What shows where it ends, so that digits behind it are none of it."""

_LEAST_DIGITS_OF_RUN = 7
_LEAST_DIGITS_RUNNING_ON = 4


def resolve(reading: Reading, matches: Iterable[PiiMatch]) -> list[PiiMatch]:
    """Let surer matches cut the others, then cover digits that run on from a match. Sorted by position."""
    text = reading.text
    owner: list[int] = [-1] * len(text)
    ranked = sorted(
        _whole(matches), key=lambda match: (-match.score, match.start - match.end, match.start, match.entity)
    )
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
    kept.sort(key=lambda match: match.start)
    return _with_leftovers(reading, kept) if kept else kept


def _whole(matches: Iterable[PiiMatch]) -> list[PiiMatch]:
    """Numbers without those of their kind that lie inside: what is longer by misheard digits is as sure as its part."""
    whole: list[PiiMatch] = []
    longest: dict[str, int] = {}
    for match in sorted(matches, key=lambda match: (match.start, -match.end, -match.score)):
        outer = longest.get(match.entity)
        if match.entity in _DELIMITED or outer is None or match.end > whole[outer].end:
            longest[match.entity] = len(whole)
            whole.append(match)
        elif match.score > whole[outer].score:
            whole[outer] = replace(whole[outer], score=match.score)
    return whole


def _with_leftovers(reading: Reading, kept: list[PiiMatch]) -> list[PiiMatch]:
    """Widen numbers by what is left of the runs of digits that they are a part of.

    Where numbers are said without a word between them, their borders are guesses. Left in the clear is what a word
    separates, unless it is long, and a count such as "3 2 1".
    """
    starts = [match.start for match in kept]
    for run in reading.widest_runs:
        if len(run.digits) < _LEAST_DIGITS_OF_RUN:
            continue
        owners = [_owner(reading, kept, starts, atom) for atom in run.atoms]
        for first, last in _untaken(owners):
            before = owners[first - 1] if first else -1
            after = owners[last + 1] if last + 1 < len(owners) else -1
            part = run.part(first, last)
            start, end = reading.run_span(part)
            if before != -1 and _runs_on(reading, kept[before], run, first - 1, part):
                kept[before] = replace(kept[before], end=end)
            elif after != -1 and _runs_on(reading, kept[after], run, last, part):
                kept[after] = replace(kept[after], start=start)
    return kept


def _owner(reading: Reading, kept: list[PiiMatch], starts: list[int], atom: NumberAtom) -> int:
    """Which match a number lies in, even if in part; -1 for none."""
    start, end = reading.span(atom.first, atom.last)
    number = bisect_left(starts, end) - 1
    return number if number >= 0 and kept[number].end > start else -1


def _runs_on(reading: Reading, match: PiiMatch, run: DigitRun, earlier: int, part: DigitRun) -> bool:
    """Whether a part of a run belongs to the match beside it; they meet behind the atom `earlier` of the run."""
    interjected = all(reading.norm(atom.first) == "oh" for atom in part.atoms)
    if match.entity in _DELIMITED or interjected or part.misheard == len(part.atoms):
        return False
    if len(part.digits) >= _LEAST_DIGITS_RUNNING_ON:
        return True
    between = range(run.atoms[earlier].last + 1, run.atoms[earlier + 1].first)
    apart = any(len(reading.norm(at)) > 1 and reading.norm(at) not in HESITATIONS for at in between)
    return not apart and not (len(part.atoms) >= 3 and part.is_counting)


def _untaken(owners: list[int]) -> Iterator[tuple[int, int]]:
    """First and last index of what belongs to nothing."""
    first: int | None = None
    for position, owner in enumerate([*owners, 0]):
        if owner == -1:
            first = position if first is None else first
        elif first is not None:
            yield first, position - 1
            first = None


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """A remainder without the white space and punctuation at its ends; whole matches have none that matters."""
    while start < end and not (text[start].isalnum() or text[start] in "(+"):
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
