"""The default policy begins to flag where the shipped model is judged, and where its evaluation recommends."""

from moderation.policy.document import default_policy_path, load_policy_document
from moderation.toxicity.compact import compact_folder
from moderation.toxicity.evaluate import read_thresholds


def test_the_lowest_step_of_every_label_is_the_default_threshold_of_the_model() -> None:
    ladders = load_policy_document(default_policy_path()).toxicity.thresholds
    lowest = {label: min(threshold for _, threshold in ladder.steps()) for label, ladder in ladders.items()}
    assert lowest == read_thresholds(compact_folder() / "thresholds.json")
