"""Rows of the licensed sets that were labelled anew, by the rules of LABELS.md.

By a large language model that read every text; twice for 500 rows, whose two labellings agree with a kappa of 0.90 for
toxicity (0.87 for insult to 0.95 for threat; a level of 2 or more counts as yes). The files hold the rows' ids in their
sets and levels, no texts.
"""

from collections.abc import Mapping
from importlib.resources import files

from moderation.toxicity.training.levels import targets_of


def annotations(name: str) -> Mapping[str, Mapping[str, float]]:
    """Row id -> label -> soft target, for a set that has annotations."""
    lines = (files(__package__) / "annotations" / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return {row: targets_of(levels) for row, levels in (line.split("\t") for line in lines)}
