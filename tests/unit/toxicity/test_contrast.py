import pytest

from moderation.errors import ConfigurationError
from moderation.toxicity.classifier import LABELS
from moderation.toxicity.contrast import load_contrast, parse_contrast


def test_the_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    contrast = load_contrast()
    first, again, other = (list(contrast.generate(400, seed)) for seed in (1, 1, 2))
    assert first == again
    assert {row.text for row in first} != {row.text for row in other}


def test_rows_are_distinct_within_a_class_and_every_class_is_there() -> None:
    contrast = load_contrast()
    rows = list(contrast.generate(3000, 1))
    assert {row.source for row in rows} == {f"contrast:{each.name}" for each in contrast.classes}
    assert len({(row.source, row.text.lower()) for row in rows}) > 2900


def test_every_label_of_a_generated_row_is_known() -> None:
    assert all(row.weights == (1.0,) * len(LABELS) for row in load_contrast().generate(300, 1))


def test_no_slot_or_bracket_is_left_in_a_text() -> None:
    contrast = load_contrast()
    texts = [row.text for held_out in (False, True) for row in contrast.generate(3000, 3, held_out=held_out)]
    assert not [text for text in texts if set(text) & set("[]{}|")]


def test_held_out_templates_are_no_training_templates() -> None:
    for each in load_contrast().classes:
        assert each.held_out
        assert not set(each.templates) & set(each.held_out)


def test_groups_are_mentioned_without_attack_at_least_as_often_as_with() -> None:
    rows = list(load_contrast().generate(4000, 1))
    attacks = [row for row in rows if row.targets[LABELS.index("identity_attack")] > 0.5 and ":slur" not in row.source]
    calm = [row for row in rows if row.source in {"contrast:identity_neutral", "contrast:identity_support"}]
    assert len(calm) >= len(attacks)


@pytest.mark.parametrize("template", ["hello {nobody}", "a [b", "[a [b|c]|d]"])
def test_a_malformed_template_is_refused(template: str) -> None:
    body = {"share": 1, "labels": {}, "train": template, "held_out": "x"}
    with pytest.raises(ConfigurationError, match="a template of c"):
        parse_contrast({"groups": [], "fillers": {}, "classes": {"c": body}})
