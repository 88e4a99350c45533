"""Fetching whole models, and verifying what is installed."""

import hashlib
import io
import json
import zipfile

import pytest

from moderation.models.archive import UnsafeArchive
from moderation.models.by_hand import DownloadFailed
from moderation.models.catalogue import Downloads, ModelSpec, RemoteFile, UnknownModel
from moderation.models.download import WrongContents
from moderation.models.fetch import ModelFetcher
from moderation.models.store import ModelStore
from moderation.models.verify import verify_model


def _ignore(*_: object) -> None:
    pass


def _zip(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, body in entries.items():
            archive.writestr(name, body)
    return buffer.getvalue()


def _entry(publisher, name, archive=b"", **changes):
    entry = {
        "lang": "de",
        "lang_text": "German",
        "md5": hashlib.md5(archive).hexdigest(),
        "name": name,
        "obsolete": "false",
        "size": len(archive),
        "size_text": "1KiB",
        "type": "small",
        "url": publisher.url(f"{name}.zip"),
        "version": "0.15",
    }
    return {**entry, **changes}


@pytest.fixture
def store(tmp_path) -> ModelStore:
    return ModelStore(tmp_path / "models")


@pytest.fixture
def fetcher(store, models_settings, transport, publisher) -> ModelFetcher:
    return ModelFetcher(
        store, models_settings, transport=transport, vosk_list_url=publisher.url("list.json"), pause=lambda _: None
    )


@pytest.fixture
def german(publisher) -> bytes:
    archive = _zip({"vosk-model-small-de-0.15/am/final.mdl": b"acoustic", "vosk-model-small-de-0.15/conf/x": b""})
    publisher.files["vosk-model-small-de-0.15.zip"] = archive
    entries = [
        _entry(publisher, "vosk-model-small-de-0.1", obsolete="true"),
        _entry(publisher, "vosk-model-small-de-0.15", archive),
        _entry(publisher, "vosk-model-de-0.21", type="big"),
        _entry(publisher, "vosk-model-small-en-us-0.15", lang="en-us"),
        _entry(publisher, "vosk-model-small-en-in-0.4", lang="en-in"),
        _entry(publisher, "vosk-model-small-cn-0.22", lang="cn"),
        _entry(publisher, "vosk-model-small-uk-v3-nano", lang="ua"),
        _entry(publisher, "vosk-model-small-uk-v3-small", lang="ua"),
        _entry(publisher, "vosk-model-el-gr-0.7", lang="el-gr", type="big"),
        _entry(publisher, "vosk-model-spk-0.4", lang="all", type="spk"),
    ]
    publisher.files["list.json"] = json.dumps(entries).encode()
    return archive


def _spec(publisher, checkpoint: bytes) -> ModelSpec:
    files = (
        RemoteFile(
            url=publisher.url("tiny.ckpt"),
            path="model.ckpt",
            download_as="tiny.ckpt",
            sha256=hashlib.sha256(checkpoint).hexdigest()[:8],
        ),
        RemoteFile(url=publisher.url("config.json"), path="tokenizer/config.json", download_as="base/config.json"),
    )
    return ModelSpec(
        name="detoxify:tiny",
        purpose="toxicity",
        languages=("en",),
        licence="Apache-2.0",
        size_bytes=None,
        source=Downloads(files=files),
    )


def test_a_checkpoint_is_installed_with_its_tokenizer_files(fetcher, publisher, store):
    publisher.files |= {"tiny.ckpt": b"weights", "config.json": b"{}"}
    folder = fetcher.fetch_spec(_spec(publisher, b"weights"), _ignore)
    assert (folder / "model.ckpt").read_bytes() == b"weights"
    assert (folder / "tokenizer/config.json").read_bytes() == b"{}"
    assert not [path for path in store.downloads.rglob("*") if path.is_file()]


def test_a_checkpoint_with_another_checksum_is_not_installed(fetcher, publisher, store):
    publisher.files |= {"tiny.ckpt": b"evil", "config.json": b"{}"}
    with pytest.raises(WrongContents):
        fetcher.fetch_spec(_spec(publisher, b"weights"), _ignore)
    assert not (store.root / "detoxify").exists()


def test_without_network_the_error_lists_each_missing_file_its_place_and_its_check(fetcher, publisher, store):
    publisher.files["tiny.ckpt"] = b"weights"
    with pytest.raises(DownloadFailed) as caught:
        fetcher.fetch_spec(_spec(publisher, b"weights"), _ignore)
    message = str(caught.value)
    assert f"{publisher.url('config.json')} -> {store.downloads}/base/config.json" in message
    assert "tiny.ckpt" not in message.split("\n", 1)[1]


def test_files_brought_by_hand_are_installed_without_network(fetcher, publisher, store):
    (store.downloads / "base").mkdir(parents=True)
    (store.downloads / "tiny.ckpt").write_bytes(b"weights")
    (store.downloads / "base/config.json").write_bytes(b"{}")
    fetcher.fetch_spec(_spec(publisher, b"weights"), _ignore)
    assert publisher.requests == []


@pytest.mark.parametrize("wanted", ["vosk:de", "vosk:vosk-model-small-de-0.15"])
def test_a_vosk_model_is_found_by_language_or_name_and_unpacked(fetcher, store, german, wanted):
    folder = fetcher.fetch(wanted, _ignore)
    assert (folder / "am/final.mdl").read_bytes() == b"acoustic"
    assert store.require(wanted) == folder
    assert store.status(wanted).version == "vosk-model-small-de-0.15"
    assert store.status(wanted).languages == ("de",)


def test_an_installed_model_is_not_asked_for_again(fetcher, publisher, german):
    fetcher.fetch("vosk:de", _ignore)
    asked = len(publisher.requests)
    fetcher.fetch("vosk:de", _ignore)
    assert len(publisher.requests) == asked


@pytest.mark.parametrize("changes", [{"md5": "0" * 32}, {"size": 5}])
def test_an_archive_that_differs_from_the_list_is_not_unpacked(fetcher, publisher, store, german, changes):
    entry = _entry(publisher, "vosk-model-small-de-0.15", german, **changes)
    publisher.files["list.json"] = json.dumps([entry]).encode()
    with pytest.raises(WrongContents):
        fetcher.fetch("vosk:de", _ignore)
    assert not (store.root / "vosk").exists()


def test_an_archive_without_an_acoustic_model_is_refused(fetcher, publisher, store):
    archive = _zip({"vosk-model-small-de-0.15/README": b"nothing here"})
    publisher.files["vosk-model-small-de-0.15.zip"] = archive
    publisher.files["list.json"] = json.dumps([_entry(publisher, "vosk-model-small-de-0.15", archive)]).encode()
    with pytest.raises(UnsafeArchive, match="acoustic"):
        fetcher.fetch("vosk:de", _ignore)
    assert not (store.root / "vosk").exists()


def test_a_name_in_the_list_that_leads_outside_the_store_is_refused(fetcher, publisher, german):
    publisher.files["list.json"] = json.dumps([_entry(publisher, "../../evil", german)]).encode()
    with pytest.raises(UnknownModel):
        fetcher.fetch("vosk:de", _ignore)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("vosk:uk", "vosk:vosk-model-small-uk-v3-nano, vosk:vosk-model-small-uk-v3-small"),
        ("vosk:el", "vosk:vosk-model-el-gr-0.7"),
        ("vosk:xx", "models list --published"),
    ],
)
def test_a_language_that_does_not_name_one_small_model_says_what_to_name(fetcher, german, wanted, said):
    with pytest.raises(UnknownModel, match=said):
        fetcher.fetch(wanted, _ignore)


def test_the_published_list_speaks_bcp47_and_leaves_out_what_is_obsolete_or_no_recogniser(fetcher, german):
    languages = {model.name: model.language for model in fetcher.published()}
    assert languages["vosk-model-small-cn-0.22"] == "zh"
    assert languages["vosk-model-small-en-us-0.15"] == "en"
    assert languages["vosk-model-el-gr-0.7"] == "el"
    assert "vosk-model-spk-0.4" not in languages
    assert "vosk-model-small-de-0.1" not in languages


def test_english_alone_means_the_us_model(fetcher, publisher, store, german):
    with pytest.raises(DownloadFailed, match=r"vosk-model-small-en-us-0\.15\.zip"):
        fetcher.fetch("vosk:en", _ignore)


def test_without_network_a_list_and_an_archive_brought_by_hand_are_used(fetcher, publisher, store, german):
    store.downloads.mkdir(parents=True)
    (store.downloads / "vosk-model-list.json").write_bytes(publisher.files.pop("list.json"))
    (store.downloads / "vosk-model-small-de-0.15.zip").write_bytes(german)
    publisher.files.clear()
    assert (fetcher.fetch("vosk:de", _ignore) / "am/final.mdl").is_file()


def test_without_network_and_list_the_error_says_what_to_bring(fetcher, store):
    with pytest.raises(DownloadFailed, match=r"vosk-model-list\.json"):
        fetcher.fetch("vosk:de", _ignore)


@pytest.mark.parametrize("document", [b"<html>", b"{}", b"[1]", b'[{"name": "x"}]'])
def test_something_else_than_a_list_is_refused(fetcher, publisher, document):
    publisher.files["list.json"] = document
    from moderation.errors import ConfigurationError

    with pytest.raises(ConfigurationError):
        fetcher.fetch("vosk:de", _ignore)


def test_verification_finds_what_changed_and_what_is_missing_and_leaves_additions_alone(fetcher, store, german):
    folder = fetcher.fetch("vosk:de", _ignore)
    assert verify_model(store.status("vosk:de")).problems == ()
    (folder / "am/final.mdl").write_bytes(b"ACOUSTIC")
    (folder / "conf/x").unlink()
    (folder / "new").write_bytes(b"")
    problems = verify_model(store.status("vosk:de")).problems
    assert problems == ("am/final.mdl has changed (SHA-256)", "conf/x is missing")


def test_a_packaged_model_is_verified_against_the_record_of_its_package(store):
    result = verify_model(store.status("whisper:tiny.en"))
    assert result.files == 4
    assert result.problems == ()
