"""What a vocabulary filter finds."""

from dataclasses import dataclass
from enum import StrEnum

from moderation.events import Severity


class FilterMethod(StrEnum):
    """What happens to a matched term in published text (Amazon Transcribe's three methods)."""

    MASK = "mask"
    """Replaced by `***`."""
    REMOVE = "remove"
    """Left out."""
    TAG = "tag"
    """Left as it is; the detection alone tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TermMatch:
    """A listed term in a text: `text[start:end]`, with the entry that matched."""

    start: int
    end: int
    list_name: str
    list_version: str
    entry: int
    """Number of the entry in its list, from 1; explanations name it instead of the term."""
    category: str
    severity: Severity
    method: FilterMethod
