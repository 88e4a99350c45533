"""Names of people, by how they are introduced and by lists of names.

No model of language is at work here, so this finds: names after "my name is" and the like, after titles, in "this is X
speaking", and known given names with a surname behind them. A given name alone ("nice shot mike") is no personal data
that anyone could use, and is left. Names of famous and invented people are names, too. English only.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from moderation.pii.match import PiiMatch
from moderation.pii.reading import HESITATIONS, Reading
from moderation.pii.tokens import TokenKind
from moderation.pii.word_lists import read_words

_OWNERS = frozenset(
    {
        "my", "his", "her", "their", "your", "real", "full", "last", "first", "legal", "actual", "whose", "sister's",
        "brother's", "mom's", "dad's", "girlfriend's", "boyfriend's", "teacher's",
    }
)  # fmt: skip
_TITLES = frozenset({"mr", "mister", "mrs", "missus", "ms", "dr", "doctor", "prof", "professor"})
_INTRODUCTIONS = (
    ("i'm",), ("i", "am"), ("this", "is"), ("call", "me"), ("i'm", "called"), ("named",), ("he's", "called"),
    ("she's", "called"), ("it's",),
)  # fmt: skip
_CLOSINGS = frozenset({"speaking", "here", "calling", "from"})
_VERB_ENDINGS = ("ing", "ed", "ly", "n't", "'re", "'ll", "'ve", "'d", "'m")
_PRONOUNS = frozenset({"i", "you", "we", "they", "he", "she", "it", "that", "who"})
_MOST_WORDS = 4


@dataclass(frozen=True, slots=True)
class PersonRecognizer:
    """Introductions, titles and name lists. `common` are everyday words, which no unknown name may be."""

    given: frozenset[str]
    surnames: frozenset[str]
    common: frozenset[str]
    entity: str = "PERSON"

    @classmethod
    def shipped(cls) -> "PersonRecognizer":
        """With the lists that come with the package."""
        return cls(given=read_words("given_names"), surnames=read_words("surnames"), common=read_words("common_words"))

    def find(self, reading: Reading, language: str) -> Iterator[PiiMatch]:  # noqa: ARG002  the lists are of all languages
        """Find names. They may be found by more than one rule."""
        for at, token in enumerate(reading.tokens):
            if token.kind is not TokenKind.WORD:
                continue
            found = (
                self._after_name_is(reading, at)
                or self._after_title(reading, at)
                or self._introduced(reading, at)
                or self._given_and_surname(reading, at)
            )
            if found is not None:
                yield found

    def _after_name_is(self, reading: Reading, at: int) -> PiiMatch | None:
        """`my name is X`, `his real name's X Y`: nearly anything that is not an everyday word is a name here."""
        norm = reading.norm(at)
        if norm not in {"name", "name's"} or reading.norm(at - 1) not in _OWNERS:
            return None
        first = at + 1
        if norm == "name":
            if reading.norm(first) not in {"is", "was"}:
                return None
            first += 1
        while reading.norm(first) in HESITATIONS or reading.norm(first) in {",", ":", "like"}:
            first += 1
        if reading.norm(first) in _TITLES or not self._may_be_name(reading, first):
            return None
        known = _bare(reading.norm(first)) in self.given
        last = self._name_end(reading, first, trust_next=known)
        return self._match(reading, first, last, 0.9 if known else 0.7, "what follows 'name is'")

    def _after_title(self, reading: Reading, at: int) -> PiiMatch | None:
        norm = reading.norm(at)
        if norm not in _TITLES:
            return None
        first = at + 1
        if reading.norm(first) == "." and reading.tokens[first].glued:
            first += 1
        if not self._may_be_name(reading, first) or (norm in {"doctor", "ms"} and not self._is_known(reading, first)):
            return None
        return self._match(
            reading, first, self._name_end(reading, first, trust_next=True), 0.75, "a name behind a title"
        )

    def _introduced(self, reading: Reading, at: int) -> PiiMatch | None:
        """`I'm X`, `this is X speaking`, `call me X`: a known given name only."""
        if not self._is_given(reading, at):
            return None
        led = next(
            (
                lead
                for lead in _INTRODUCTIONS
                if tuple(reading.norm(before) for before in range(max(0, at - len(lead)), at)) == lead
            ),
            None,
        )
        last = self._name_end(reading, at, trust_next=led is not None and led[-1] in {"called", "named"})
        closed = reading.norm(last + 1) in _CLOSINGS
        if led is None:
            speaking = reading.norm(last + 1) == "speaking"
            return self._match(reading, at, last, 0.7, "a given name before 'speaking'") if speaking else None
        if led in {("this", "is"), ("it's",)} and not closed:
            return None
        return self._match(reading, at, last, 0.7, "a given name after an introduction")

    def _given_and_surname(self, reading: Reading, at: int) -> PiiMatch | None:
        norm = reading.norm(at)
        if norm not in self.given:
            return None
        surname = at + 1
        if reading.norm(surname) == "-" and reading.tokens[surname].glued and self._is_word(reading, surname + 1):
            surname += 2
        if len(reading.norm(surname)) == 1 and reading.norm(surname).isalpha() and reading.norm(surname) not in "ai":
            surname += 1
            if reading.norm(surname) == ".":
                surname += 1
        if not self._is_word(reading, surname):
            return None
        bare = _bare(reading.norm(surname))
        everyday_given, everyday_surname = norm in self.common, bare in self.common
        if reading.is_cased:
            if not (reading.is_capitalised(at) and reading.is_capitalised(surname)):
                return None
            accepted = bare in self.surnames and not (everyday_given and everyday_surname)
            accepted = accepted or not (everyday_given or everyday_surname or bare in self.given)
        else:
            modal = everyday_given and reading.norm(at - 1) in _PRONOUNS
            accepted = bare in self.surnames and not everyday_surname and not modal
        if not accepted:
            return None
        known = bare in self.surnames
        rule = "a given name and a surname" if known else "a given name and a capitalised word that may be a surname"
        first = at
        while at - first < _MOST_WORDS and self._is_given(reading, first - 1):
            first -= 1
        return self._match(reading, first, surname, 0.7 if known else 0.55, rule)

    def _name_end(self, reading: Reading, first: int, *, trust_next: bool) -> int:
        """The last token of the name that starts at a token."""
        last = first
        for at in range(first + 1, first + _MOST_WORDS):
            if not self._is_word(reading, at):
                joins = reading.norm(at) in {"-", "."} and reading.tokens[at].glued and self._is_word(reading, at + 1)
                if joins and reading.tokens[at + 1].glued and last == at - 1:
                    last = at + 1
                continue_after = at <= last
                if continue_after:
                    continue
                break
            if at <= last:
                continue
            bare = _bare(reading.norm(at))
            if bare in self.common and not (reading.is_cased and reading.is_capitalised(at) and bare in self.surnames):
                break
            named = bare in self.surnames or bare in self.given
            capital = reading.is_cased and reading.is_capitalised(at)
            unknown = trust_next and not reading.is_cased and len(bare) > 2 and not bare.endswith(_VERB_ENDINGS)
            if not (capital or (named and not reading.is_cased) or (unknown and last == first)):
                break
            last = at
        return last

    def _may_be_name(self, reading: Reading, at: int) -> bool:
        """Whether a token can be a name where a name is expected."""
        if not self._is_word(reading, at) or len(reading.norm(at)) < 2:
            return False
        bare = _bare(reading.norm(at))
        if reading.is_cased and reading.is_capitalised(at):
            return bare not in self.common or bare in self.given or bare in self.surnames
        return self._is_given(reading, at) or (bare not in self.common and not bare.endswith(_VERB_ENDINGS))

    def _is_given(self, reading: Reading, at: int) -> bool:
        """Whether a token is a given name as it stands: one that is an everyday word, too, does not count."""
        bare = _bare(reading.norm(at))
        if bare not in self.given or bare in self.common:
            return False
        return not reading.is_cased or reading.is_capitalised(at)

    def _is_known(self, reading: Reading, at: int) -> bool:
        bare = _bare(reading.norm(at))
        return self._is_given(reading, at) or (bare in self.surnames and bare not in self.common)

    def _is_word(self, reading: Reading, at: int) -> bool:
        return 0 <= at < len(reading.tokens) and reading.tokens[at].kind is TokenKind.WORD

    def _match(self, reading: Reading, first: int, last: int, score: float, rule: str) -> PiiMatch:
        start, end = reading.span(first, last)
        if reading.norm(last).endswith("'s"):
            end -= 2
        return PiiMatch(start=start, end=end, entity=self.entity, score=score, rule=rule)


def _bare(norm: str) -> str:
    return norm.removesuffix("'s")
