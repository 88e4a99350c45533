import json
from pathlib import Path

import pytest

from moderation.errors import ConfigurationError
from moderation.toxicity.manifest import Manifest, exposed_labels, model_file, read_manifest


def manifest() -> Manifest:
    return Manifest(id="m", version="1", classes=("toxicity",), languages=("en",), max_positions=512, sha256="00")


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = manifest()
    written.write(tmp_path)
    assert read_manifest(tmp_path) == written


def test_scores_of_int8_arithmetic_are_told_from_those_of_float32() -> None:
    assert manifest().source == manifest().source_in("float32") == "m@1"
    assert manifest().source_in("int8") == "m@1-int8"
    assert model_file("float32") != model_file("int8")


def test_an_export_of_before_there_were_two_graphs_is_refused(tmp_path: Path) -> None:
    manifest().write(tmp_path)
    path = tmp_path / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "arithmetic": "int8"}))
    with pytest.raises(ConfigurationError, match=r"moderation\.toxicity\.export"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("content", [None, "not json", "[]", '{"id": "m"}'])
def test_a_missing_or_malformed_manifest_names_the_export(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "model.json").write_text(content)
    with pytest.raises(ConfigurationError, match=r"moderation\.toxicity\.export"):
        read_manifest(tmp_path)


def test_identity_mentions_are_never_exposed_and_old_names_are_understood() -> None:
    classes = ("toxic", "male", "identity_hate", "severe_toxic", "white", "threat")
    assert list(exposed_labels(classes).items()) == [
        ("toxicity", 0),
        ("severe_toxicity", 3),
        ("threat", 5),
        ("identity_attack", 2),
    ]


def test_a_model_without_any_label_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not a toxicity model"):
        exposed_labels(("male", "female"))
