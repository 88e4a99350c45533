"""One text, read once for all recognisers: its tokens, its numbers, and the runs of digits these form."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

from moderation.pii.misheard import bridge, completion
from moderation.pii.spoken_number import NumberAtom, read_numbers
from moderation.pii.tokens import Token, TokenKind, tokenise

HESITATIONS = frozenset({"uh", "um", "uhm", "uhh", "umm", "er", "erm", "ah", "eh", "hm", "hmm", "mm"})
_WITHIN_RUN_WORDS = HESITATIONS | {"dash", "hyphen", "minus", "space", "dot", "then", "and", "that's", "okay", "ok"}
_WITHIN_RUN_SYMBOLS = frozenset("-.,()\N{EN DASH}\N{EM DASH}\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{HORIZONTAL ELLIPSIS}")
_MOST_TOKENS_BETWEEN = 8
_MOST_WORDS_BETWEEN = 4
_LEAST_HEARD = 5


@dataclass(frozen=True, slots=True)
class DigitRun:
    """Numbers said or written in one go, with nothing between them but pauses and punctuation."""

    atoms: tuple[NumberAtom, ...]

    @property
    def digits(self) -> str:
        """All digits of the run."""
        return "".join(atom.digits for atom in self.atoms)

    def part(self, first: int, last: int) -> "DigitRun":
        """The run of atoms `first` to `last`, inclusive."""
        return DigitRun(self.atoms[first : last + 1])

    def windows(self, lengths: frozenset[int], accepts: Callable[[str], bool]) -> Iterator["DigitRun"]:
        """Parts that have one of these numbers of digits and are accepted, from left to right, longest first.

        At most `max(lengths)` are looked at for each atom.
        """
        digits = self.digits
        ends = list(accumulate(len(atom.digits) for atom in self.atoms))
        last_of = {end: last for last, end in enumerate(ends)}
        begin = 0
        descending = sorted(lengths, reverse=True)
        for first, end in enumerate(ends):
            for length in descending:
                last = last_of.get(begin + length)
                if last is not None and accepts(digits[begin : begin + length]):
                    yield self.part(first, last)
            begin = end

    @property
    def is_read_out(self) -> bool:
        """Whether it reads like digits rather than like a list of numbers such as 10, 20, 30."""
        pairs = sum(len(atom.digits) == 2 and not atom.single for atom in self.atoms)
        return pairs * 5 <= len(self.atoms) * 2

    @property
    def is_single_digits(self) -> bool:
        """Whether nearly all of it was said digit by digit, little of it misheard, and not in order."""
        singles = sum(atom.single for atom in self.atoms)
        if singles < 6 or singles * 10 < len(self.atoms) * 7 or self.misheard * 4 > len(self.digits):
            return False
        return not self.is_in_order

    @property
    def is_in_order(self) -> bool:
        """Whether it is mostly single digits and in order, as in "five six seven eight, one two three"."""
        singles = sum(len(atom.digits) == 1 for atom in self.atoms)
        if singles < 6 or singles * 10 < len(self.atoms) * 7 or any(len(atom.digits) > 4 for atom in self.atoms):
            return False
        steps = [int(later.digits) - int(earlier.digits) for earlier, later in pairwise(self.atoms)]
        return any(steps.count(step) * 5 > len(steps) * 3 for step in (-1, 0, 1, 2))

    @property
    def misheard(self) -> int:
        """How many of its digits were heard as other words."""
        return sum(atom.misheard for atom in self.atoms)

    @property
    def is_counting(self) -> bool:
        """Whether it is someone counting up or down, or saying one digit over and over."""
        digits = self.digits
        if len(set(digits)) == 1:
            return True
        if len(self.atoms) < 4:
            return digits in "12345678910111213141516" or digits in "10987654321"
        steps = [
            int(later.digits) - int(earlier.digits)
            for earlier, later in pairwise(self.atoms)
            if len(earlier.digits) < 5 and len(later.digits) < 5
        ]
        return len(steps) == len(self.atoms) - 1 and (all(s == 1 for s in steps) or all(s == -1 for s in steps))


class Reading:
    """A text with what was read from it. Everything is linear in the length of the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: tuple[Token, ...] = tokenise(text)

    @cached_property
    def numbers(self) -> tuple[NumberAtom, ...]:
        """The numbers, in order."""
        return read_numbers(self.tokens)

    @cached_property
    def number_at(self) -> dict[int, NumberAtom]:
        """The number that a token belongs to."""
        return {token: atom for atom in self.numbers for token in range(atom.first, atom.last + 1)}

    @cached_property
    def runs(self) -> tuple[DigitRun, ...]:
        """The runs of digits as heard, then those that are longer with digits that may have been misheard."""
        heard = set(self._heard_runs)
        return self._heard_runs + tuple(run for run in self.widest_runs if run not in heard)

    @cached_property
    def widest_runs(self) -> tuple[DigitRun, ...]:
        """The runs of digits, in order and apart, with digits that may have been misheard."""
        widest: list[DigitRun] = []
        chain: list[DigitRun] = []
        bridges: list[tuple[NumberAtom, ...]] = []
        for run in self._heard_runs:
            between = bridge(self.tokens, chain[-1].atoms[-1], run.atoms[0]) if chain else None
            if between is None:
                widest.extend(self._joined(chain, bridges))
                chain, bridges = [run], []
            else:
                chain.append(run)
                bridges.append(between)
        widest.extend(self._joined(chain, bridges))
        return tuple(widest)

    def _joined(self, chain: Sequence[DigitRun], bridges: Sequence[tuple[NumberAtom, ...]]) -> Sequence[DigitRun]:
        """One run, unless too much of it would be misheard ("2 or 3, 4 or 5")."""
        heard = sum(len(run.digits) for run in chain)
        misheard = sum(map(len, bridges))
        if not chain or heard < _LEAST_HEARD or misheard * 3 > heard + 2:
            return chain
        atoms = list(chain[0].atoms)
        for between, run in zip(bridges, chain[1:], strict=True):
            atoms += [*between, *run.atoms]
        missing = completion(self.tokens, atoms[-1], heard + misheard)
        return [DigitRun((*atoms, missing) if missing else tuple(atoms))]

    @cached_property
    def _heard_runs(self) -> tuple[DigitRun, ...]:
        """The runs of digits, in order. Quantities belong to none."""
        runs: list[DigitRun] = []
        open_run: list[NumberAtom] = []
        for atom in self.numbers:
            if open_run and (atom.quantity or not self._continues(open_run[-1], atom)):
                runs.append(DigitRun(tuple(open_run)))
                open_run = []
            if not atom.quantity:
                open_run.append(atom)
        if open_run:
            runs.append(DigitRun(tuple(open_run)))
        return tuple(runs)

    @cached_property
    def is_cased(self) -> bool:
        """Whether capitals mean anything: the text has some beside "I", and is not all capitals."""
        upper = sum(1 for token in self.tokens if token.kind is TokenKind.WORD and self.text[token.start].isupper())
        only_i = all(
            token.norm in {"i", "i'm", "i'll", "i've", "i'd"}
            for token in self.tokens
            if token.kind is TokenKind.WORD and self.text[token.start].isupper()
        )
        return upper > 0 and not only_i and any(map(str.islower, self.text))

    def norm(self, at: int) -> str:
        """The normalised token at an index; empty outside the text."""
        return self.tokens[at].norm if 0 <= at < len(self.tokens) else ""

    def is_capitalised(self, at: int) -> bool:
        """Whether the token at an index starts with a capital."""
        return 0 <= at < len(self.tokens) and self.text[self.tokens[at].start].isupper()

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where tokens `first` to `last` lie in the text."""
        return self.tokens[first].start, self.tokens[last].end

    def run_span(self, run: DigitRun) -> tuple[int, int]:
        """Where a run lies in the text."""
        return self.span(run.atoms[0].first, run.atoms[-1].last)

    def says_near(self, first: int, last: int, phrases: frozenset[str], *, before: int = 8, after: int = 5) -> bool:
        """Whether one of some phrases of one or two words stands near tokens `first` to `last`."""
        return self._says(max(0, first - before), first, phrases) or self._says(last + 1, last + 1 + after, phrases)

    def _says(self, first: int, stop: int, phrases: frozenset[str]) -> bool:
        norms: Sequence[str] = [token.norm for token in self.tokens[first:stop] if token.kind is TokenKind.WORD]
        return any(norm in phrases for norm in norms) or any(f"{one} {two}" in phrases for one, two in pairwise(norms))

    def _continues(self, earlier: NumberAtom, later: NumberAtom) -> bool:
        between = self.tokens[earlier.last + 1 : later.first]
        if len(between) > _MOST_TOKENS_BETWEEN:
            return False
        if sum(token.kind is TokenKind.WORD for token in between) > _MOST_WORDS_BETWEEN:
            return False
        return all(
            token.norm in (_WITHIN_RUN_WORDS if token.kind is TokenKind.WORD else _WITHIN_RUN_SYMBOLS)
            for token in between
        )
