"""Matching lists of terms in a text, all terms at once (Aho-Corasick)."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import ahocorasick

from moderation.errors import ConfigurationError
from moderation.events import UNKNOWN_LANGUAGE, Severity, primary_tag
from moderation.vocabulary.match import FilterMethod, TermMatch
from moderation.vocabulary.normalised import NormalisedText, normalise
from moderation.vocabulary.term_list import TermList, load_term_list, shipped_lists

_METHOD_STRENGTH = {FilterMethod.TAG: 0, FilterMethod.REMOVE: 1, FilterMethod.MASK: 2}
_RANKS = {severity: severity.rank for severity in Severity}


class VocabularyFilter:
    """Term lists, compiled. Immutable and thread-safe."""

    def __init__(self, lists: Sequence[TermList]) -> None:
        """Compile lists.

        Raises:
            ConfigurationError: two lists have the same name.
        """
        names = [term_list.name for term_list in lists]
        for name in names:
            if names.count(name) > 1:
                raise ConfigurationError(f"two term lists are named {name}; rename one of them")
        self._lists = tuple(lists)
        self._automaton = _compile(self._lists)

    @classmethod
    def from_files(cls, paths: Iterable[Path]) -> "VocabularyFilter":
        """Load lists from YAML files (see `term_list`); the lists that ship when there are none.

        Raises:
            ConfigurationError: a file is refused; the message names file, line, entry and reason.
        """
        return cls([load_term_list(path) for path in list(paths) or shipped_lists()])

    @property
    def sources(self) -> tuple[str, ...]:
        """The lists as `name@version`."""
        return tuple(f"{term_list.name}@{term_list.version}" for term_list in self._lists)

    def match(self, text: str, language: str | None) -> list[TermMatch]:
        """Find listed terms, sorted by position.

        Terms are found on word boundaries, whatever their case, punctuation and spacing. `language` is BCP-47; when it
        is unknown every entry counts. A match inside another that is at least as severe is not reported again, nor is
        a second one of the same span and category.
        """
        if not self._automaton:
            return []
        normalised = normalise(text)
        primary = _primary(language)
        return _distinct(self._found(normalised, primary))

    def _found(self, normalised: NormalisedText, language: str | None) -> Iterator[TermMatch]:
        text = normalised.text
        for last, (length, references) in self._automaton.iter(text):
            begin, end = last - length + 1, last + 1
            if not _on_boundaries(text, begin, end):
                continue
            start, stop = normalised.original_span(begin, end)
            for list_index, entry_index in references:
                term_list = self._lists[list_index]
                entry = term_list.entries[entry_index]
                languages = entry.languages or term_list.languages
                if language is None or languages is None or language in languages:
                    yield TermMatch(
                        start=start,
                        end=stop,
                        list_name=term_list.name,
                        list_version=term_list.version,
                        entry=entry_index + 1,
                        category=entry.category,
                        severity=entry.severity,
                        method=entry.method,
                    )


def _compile(lists: Sequence[TermList]) -> Any:
    references: dict[str, list[tuple[int, int]]] = {}
    for list_index, term_list in enumerate(lists):
        for entry_index, entry in enumerate(term_list.entries):
            references.setdefault(normalise(entry.term).text, []).append((list_index, entry_index))
    automaton = ahocorasick.Automaton()
    for term, found in references.items():
        automaton.add_word(term, (len(term), tuple(found)))
    if references:
        automaton.make_automaton()
    return automaton


def _primary(language: str | None) -> str | None:
    primary = primary_tag(language or UNKNOWN_LANGUAGE)
    return None if primary == UNKNOWN_LANGUAGE else primary


def _on_boundaries(text: str, start: int, end: int) -> bool:
    """Whether a term stands by itself. `text` is normalised: letters, digits, spaces and apostrophes within words."""
    starts = start == 0 or text[start - 1] in " '" or _unspaced(text[start])
    return starts and (end == len(text) or text[end] in " '" or _unspaced(text[end - 1]) or _hangul(text[end - 1]))


def _unspaced(character: str) -> bool:
    """Whether the script is written without spaces between words: Thai to Myanmar, Khmer, kana, Han."""
    return character > "\u0dff" and (
        "\u0e00" <= character <= "\u0eff"
        or "\u1000" <= character <= "\u109f"
        or "\u1780" <= character <= "\u17ff"
        or "\u3040" <= character <= "\u30ff"
        or "\u3400" <= character <= "\u9fff"
        or "\U00020000" <= character <= "\U0003ffff"
    )


def _hangul(character: str) -> bool:
    """Whether particles may follow without a space, as in Korean."""
    return "\uac00" <= character <= "\ud7a3"


def _distinct(matches: Iterable[TermMatch]) -> list[TermMatch]:
    ordered = sorted(matches, key=_precedence)
    kept: list[TermMatch] = []
    reach = [-1] * len(Severity)  # by severity rank: how far the kept matches of that rank or above extend
    spans: set[tuple[int, int, str]] = set()
    previous: TermMatch | None = None
    for match in ordered:
        rank = _RANKS[match.severity]
        span = (match.start, match.end, match.category)
        same_span = previous is not None and (previous.start, previous.end) == (match.start, match.end)
        if span in spans or (not same_span and reach[rank] >= match.end):
            continue
        spans.add(span)
        kept.append(match)
        previous = match
        for lower in range(rank + 1):
            reach[lower] = max(reach[lower], match.end)
    return kept


def _precedence(match: TermMatch) -> tuple[int, int, int, int]:
    return match.start, -match.end, -_RANKS[match.severity], -_METHOD_STRENGTH[match.method]
