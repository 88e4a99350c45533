"""The catalogue agrees with the packages it speaks of."""

import ast
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest

from moderation.models.catalogue import Downloads, PackagedParts
from moderation.models.known import CHECKPOINT_FILE, catalogue, lookup
from moderation.models.packaged import assemble
from moderation.settings import Settings


def _detoxify_urls() -> dict[str, str]:
    """MODEL_URLS of the installed detoxify, read without importing it (that would load torch)."""
    source = Path(find_spec("detoxify").submodule_search_locations[0]) / "detoxify.py"
    values: dict[str, object] = {}
    for node in ast.parse(source.read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id in ("DOWNLOAD_URL", "MODEL_URLS"):
            exec(compile(ast.Module([node], []), str(source), "exec"), values)
    return values["MODEL_URLS"]


def test_every_checkpoint_of_detoxify_is_known_at_the_address_that_detoxify_names():
    ours = {
        spec.name.removeprefix("detoxify:"): next(
            file.url for file in spec.source.files if file.path == CHECKPOINT_FILE
        )
        for spec in catalogue()
        if isinstance(spec.source, Downloads)
    }
    assert ours == _detoxify_urls()


def test_every_checkpoint_is_checked_by_the_sha256_in_its_name():
    for spec in catalogue():
        for file in spec.source.files if isinstance(spec.source, Downloads) else ():
            assert file.url.startswith("https://")
            if file.path == CHECKPOINT_FILE:
                assert file.url.endswith(f"-{file.sha256}.ckpt")
                assert len(file.sha256) == 8


def test_every_tokenizer_file_comes_from_a_pinned_commit_and_has_a_place_of_its_own():
    for spec in catalogue():
        files = spec.source.files[1:] if isinstance(spec.source, Downloads) else ()
        for file in files:
            assert len(file.url.split("/resolve/")[1].split("/")[0]) == 40
        assert len({file.download_as for file in files}) == len(files)


def test_names_are_unique_and_found():
    names = [spec.name for spec in catalogue()]
    assert len(set(names)) == len(names)
    assert all(lookup(name).name == name for name in names)


def test_every_engine_of_the_default_settings_is_a_model():
    for engines in Settings().asr.engines.values():
        for name in engines:
            assert lookup(name)


@pytest.mark.parametrize("name", ["whisper:tiny.en", "vosk:ko"])
def test_the_installed_size_of_a_packaged_model_is_about_what_the_catalogue_says(name):
    source = lookup(name).source
    prefix = f"{source.package}/{source.folder}/"
    size = sum(file.size for file in metadata.files(source.distribution) if file.as_posix().startswith(prefix))
    assert size == pytest.approx(lookup(name).size_bytes, rel=0.001)


def test_the_parts_of_whisper_base_join_to_the_known_file(tmp_path):
    source = lookup("whisper:base").source
    assert isinstance(source, PackagedParts)
    assemble(source, tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == lookup("whisper:base").size_bytes
