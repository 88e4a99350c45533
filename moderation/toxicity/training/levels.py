"""Labels as seven digits, and as soft targets. LABELS.md, beside this file, says what the levels mean."""

from collections.abc import Mapping

from moderation.toxicity.classifier import LABELS

_TARGETS = {"0": 0.0, "1": 0.4, "2": 0.8, "3": 1.0}


def targets_of(levels: str) -> Mapping[str, float]:
    """The soft target of every label, in their order, from one digit each.

    Raises:
        ValueError: it is not seven digits from 0 to 3.
    """
    if len(levels) != len(LABELS) or not set(levels) <= set(_TARGETS):
        raise ValueError(f"{levels!r} is not {len(LABELS)} digits from 0 to 3")
    return {label: _TARGETS[digit] for label, digit in zip(LABELS, levels, strict=True)}
