"""The annotations that ship: readable, and as the model card counts them."""

import pytest

from moderation.toxicity.classifier import LABELS
from moderation.toxicity.training.annotations import annotations
from moderation.toxicity.training.levels import targets_of

COUNTS = {"edos": 12_101, "stormfront": 2_442, "davidson": 2_178, "misogyny": 854, "jigsaw": 1_363}


@pytest.mark.parametrize(("name", "count"), COUNTS.items())
def test_every_annotated_row_is_there_once_with_all_labels(name: str, count: int) -> None:
    found = annotations(name)
    assert len(found) == count
    assert all(tuple(targets) == LABELS for targets in found.values())


def test_levels_are_soft_targets_in_the_order_of_the_labels() -> None:
    assert targets_of("3210000") == dict(zip(LABELS, (1.0, 0.8, 0.4, 0.0, 0.0, 0.0, 0.0), strict=True))


@pytest.mark.parametrize("levels", ["", "000000", "00000000", "000000x", "0000004", "٣000000"])
def test_other_levels_are_refused(levels: str) -> None:
    with pytest.raises(ValueError, match="digits from 0 to 3"):
        targets_of(levels)
