import subprocess
import sys
from pathlib import Path

import pytest

from moderation.errors import ConfigurationError, ModelMissing
from moderation.settings import ToxicitySettings
from moderation.toxicity.checkpoint import PUBLISHED
from moderation.toxicity.factory import open_classifier, published_languages, published_source


def test_an_unknown_model_is_refused_with_the_names_of_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match="compact-en, original, unbiased"):
        open_classifier(ToxicitySettings(model="nonesuch"))


@pytest.mark.parametrize("model", PUBLISHED)
def test_a_published_model_that_is_not_installed_names_the_command(model: str, tmp_path: Path) -> None:
    for folder in (None, tmp_path / "absent"):
        with pytest.raises(ModelMissing, match=f"moderation models fetch detoxify:{model}"):
            open_classifier(ToxicitySettings(model=model), folder)


def test_a_checkpoint_without_its_export_names_the_export(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"python -m moderation\.toxicity\.export --model original"):
        open_classifier(ToxicitySettings(model="original"), tmp_path)


@pytest.mark.parametrize(("arithmetic", "present"), [("int8", "model.onnx"), ("float32", "model.int8.onnx")])
def test_an_export_without_the_graph_for_the_arithmetic_names_the_export(
    arithmetic: str, present: str, tmp_path: Path
) -> None:
    (tmp_path / present).touch()
    with pytest.raises(ModelMissing, match=r"python -m moderation\.toxicity\.export --model original"):
        open_classifier(ToxicitySettings(model="original", arithmetic=arithmetic), tmp_path)


def test_flags_can_tell_which_arithmetic_gave_their_scores() -> None:
    int8, float32 = (open_classifier(ToxicitySettings(arithmetic=chosen)).source for chosen in ("int8", "float32"))
    assert int8 == f"{float32}-int8"


def test_where_sums_are_inexact_float32_takes_the_place_of_int8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moderation.toxicity.onnx_classifier.are_exact", lambda _sums: False)
    chosen, float32 = (open_classifier(ToxicitySettings(arithmetic=each)) for each in ("int8", "float32"))
    assert chosen.source == float32.source
    assert chosen.score(["you are a stupid idiot"]) == float32.score(["you are a stupid idiot"])


def test_the_detoxify_back_end_asks_for_the_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="moderation models fetch detoxify:original"):
        open_classifier(ToxicitySettings(model="original", backend="detoxify"), tmp_path)


@pytest.mark.parametrize("max_tokens", [3, 100_000])
def test_a_window_that_the_model_cannot_take_is_refused(max_tokens: int) -> None:
    with pytest.raises(ConfigurationError, match="MODERATION_TOXICITY__MAX_TOKENS"):
        open_classifier(ToxicitySettings(max_tokens=max_tokens))


def test_a_folder_without_a_model_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"model\.int8\.onnx is missing"):
        open_classifier(ToxicitySettings(), tmp_path)


def test_published_models_state_version_and_languages() -> None:
    assert published_source("original") == "detoxify-original@c1212f89"
    assert published_languages("original") == {"en"}
    assert "tr" in published_languages("multilingual")


def test_scoring_through_onnx_imports_neither_torch_nor_transformers() -> None:
    program = (
        "import sys\n"
        "from moderation.settings import ToxicitySettings\n"
        "from moderation.toxicity.factory import open_classifier\n"
        "open_classifier(ToxicitySettings()).score(['hello'])\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'detoxify')))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
