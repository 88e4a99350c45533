"""What personal-data recognisers find."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PiiMatch:
    """Personal data in a text: `text[start:end]` is an `entity` (PHONE, EMAIL, ...).

    `score` is in [0, 1]; `rule` says which check decided, in words that hold none of the text.
    """

    start: int
    end: int
    entity: str
    score: float
    rule: str
