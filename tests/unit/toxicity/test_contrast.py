import pytest

from moderation.errors import ConfigurationError
from moderation.toxicity.contrast import load_contrast, parse_contrast, parse_utterances


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


def test_every_label_of_a_generated_row_is_known_and_trusted_alike() -> None:
    assert all(min(row.weights) == max(row.weights) >= 1.0 for row in load_contrast().generate(300, 1))


def test_rows_of_a_class_that_gives_few_weigh_more() -> None:
    lines = "many\t0000000\thi [a|b|c|d|e|f|g|h] {name}\nfew\t0000000\thello there"
    content = {"groups": ["a|a b|cs", "d|a d|ds"], "fillers": {"name": ["bo", "al"]}}
    rows = list(parse_contrast(content, utterances=parse_utterances(lines)).generate(4, 1))
    assert {row.source: row.weights[0] for row in rows} == {"contrast:many": 1.0, "contrast:few": 2.0}


def test_no_slot_or_bracket_is_left_in_a_text() -> None:
    contrast = load_contrast()
    texts = [row.text for row in (*contrast.generate(3000, 3), *contrast.held_out(2, 3))]
    assert not [text for text in texts if set(text) & set("[]{}|")]


def test_held_out_templates_are_no_training_templates() -> None:
    for each in load_contrast().classes:
        assert each.held_out
        texts, held_out = ({template.text for template in which} for which in (each.templates, each.held_out))
        assert not texts & held_out


def test_groups_are_mentioned_without_attack_at_least_as_often_as_with() -> None:
    shares = {True: 0.0, False: 0.0}
    for each in load_contrast().classes:
        for template in each.templates:
            if any(slot in template.text for slot in ("{many}", "{one}", "{adj}")):
                shares[template.targets.get("identity_attack", 0.0) > 0.5] += each.share / len(each.templates)
    assert shares[False] >= shares[True]


@pytest.mark.parametrize("line", ["insult\t2000300", "insult\t200030\tyou clown", "insult\t2000400\tyou clown"])
def test_an_utterance_of_another_form_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(ConfigurationError, match="line 2 "):
        parse_utterances(f"insult\t2000300\tyou clown\n{line}")


def test_an_utterance_has_the_levels_of_its_own_line() -> None:
    lines = "banter\t0000000\tnice one\nbanter\t1000100\tnice one you clown"
    rows = parse_contrast({"groups": ["a|a b|cs", "d|a d|ds"]}, utterances=parse_utterances(lines)).generate(9, 1)
    assert {len(row.text.rstrip(".!?").split()): row.targets[0] for row in rows} == {2: 0.0, 4: 0.4}


@pytest.mark.parametrize("template", ["hello {nobody}", "a [b", "[a [b|c]|d]"])
def test_a_malformed_template_is_refused(template: str) -> None:
    body = {"share": 1, "labels": {}, "train": template, "held_out": "x"}
    with pytest.raises(ConfigurationError, match="a template of c"):
        parse_contrast({"groups": [], "fillers": {}, "classes": {"c": body}})
