"""Exports are refused when they do not compute what the checkpoint computes, or when it cannot be verified."""

from pathlib import Path

import pytest

from moderation.errors import ConfigurationError
from moderation.toxicity.export import export, main
from moderation.toxicity.manifest import ARITHMETICS, Arithmetic, model_file, read_manifest

RANDOM_TOLERANCE = 0.2
"""Random weights of this size amplify rounding far more than trained ones."""


def test_an_export_states_where_it_came_from(random_checkpoint: Path, tmp_path: Path) -> None:
    manifest, differences = export(random_checkpoint, "random", tmp_path, tolerance=RANDOM_TOLERANCE)
    assert differences["float32"] < 1e-4
    assert 0.0 < differences["int8"] < RANDOM_TOLERANCE
    assert read_manifest(tmp_path) == manifest
    assert (random_checkpoint / "model.ckpt.sha256").read_text().startswith(manifest.sha256)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_one_form_can_be_exported_alone(random_checkpoint: Path, tmp_path: Path, arithmetic: Arithmetic) -> None:
    out = ["--out", str(tmp_path), "--tolerance", str(RANDOM_TOLERANCE)]
    assert main(["--model", "random", "--folder", str(random_checkpoint), *out, "--arithmetic", arithmetic]) == 0
    assert [path.name for path in tmp_path.glob("*.onnx")] == [model_file(arithmetic)]


def test_an_export_that_differs_too_much_writes_nothing(random_checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="differs from the checkpoint"):
        export(random_checkpoint, "random", tmp_path, arithmetics=["int8"], tolerance=0.0)
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_under_a_published_name_must_be_the_published_one(
    random_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["--model", "unbiased", "--folder", str(random_checkpoint), "--out", str(tmp_path)])
    assert status == 1
    assert "not the published file" in capsys.readouterr().err
