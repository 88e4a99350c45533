"""Downloading one file."""

import hashlib

import pytest

from moderation.errors import ConfigurationError
from moderation.models.catalogue import RemoteFile
from moderation.models.download import Downloader, WrongContents
from moderation.models.transport import NetworkFailed, Refused, Transport
from moderation.settings import ModelsSettings

BODY = bytes(range(256)) * 40


def _file(publisher, **known) -> RemoteFile:
    known = known or {"sha256": hashlib.sha256(BODY).hexdigest()[:8]}
    return RemoteFile(url=publisher.url("model.bin"), path="model.bin", download_as="folder/model.bin", **known)


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def downloader(tmp_path, transport, models_settings, pauses) -> Downloader:
    return Downloader(tmp_path, transport, models_settings, pauses.append)


def _ignore(*_: object) -> None:
    pass


def test_a_file_arrives_whole_and_progress_ends_at_its_size(downloader, publisher):
    publisher.files["model.bin"] = BODY
    seen = []
    path = downloader.fetch(_file(publisher), lambda *progress: seen.append(progress))
    assert path.read_bytes() == BODY
    assert seen[-1] == ("folder/model.bin", len(BODY), len(BODY))


def test_a_broken_download_goes_on_where_it_stopped(downloader, publisher, pauses):
    publisher.files["model.bin"] = BODY
    publisher.break_after["model.bin"] = [1000, 500]
    assert downloader.fetch(_file(publisher), _ignore).read_bytes() == BODY
    assert [wanted for _, wanted in publisher.requests] == [None, "bytes=1000-", "bytes=1500-"]
    assert pauses == [0.5, 0.5]


def test_attempts_are_limited_and_the_part_stays_for_the_next_run(downloader, publisher):
    publisher.files["model.bin"] = BODY
    publisher.break_after["model.bin"] = [1000, 500, 250]
    with pytest.raises(NetworkFailed, match=f"1750 of {len(BODY)} bytes"):
        downloader.fetch(_file(publisher), _ignore)
    assert downloader.fetch(_file(publisher), _ignore).read_bytes() == BODY
    assert publisher.requests[-1] == ("model.bin", "bytes=1750-")


def test_a_server_that_ignores_ranges_is_read_from_the_start(downloader, publisher):
    publisher.files["model.bin"] = BODY
    publisher.break_after["model.bin"] = [1000]
    publisher.ignores_ranges = True
    assert downloader.fetch(_file(publisher), _ignore).read_bytes() == BODY


def test_a_complete_part_is_used_when_nothing_lies_beyond_it(downloader, publisher, tmp_path):
    publisher.files["model.bin"] = BODY
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/model.bin.part").write_bytes(BODY)
    assert downloader.fetch(_file(publisher), _ignore).read_bytes() == BODY


def test_a_part_of_another_file_is_found_out_by_the_checksum_and_deleted(downloader, publisher, tmp_path):
    publisher.files["model.bin"] = BODY
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/model.bin.part").write_bytes(b"other" * 100)
    with pytest.raises(WrongContents):
        downloader.fetch(_file(publisher), _ignore)
    assert list((tmp_path / "folder").iterdir()) == []


def test_a_file_without_checksum_is_never_spliced(downloader, publisher):
    publisher.files["model.bin"] = BODY
    publisher.break_after["model.bin"] = [1000]
    downloader.fetch(_file(publisher, max_bytes=len(BODY)), _ignore)
    assert [wanted for _, wanted in publisher.requests] == [None, None]


@pytest.mark.parametrize(
    "known",
    [
        {"sha256": "00000000"},
        {"sha256": "0" * 64},
        {"md5": "0" * 32},
        {"size_bytes": len(BODY) + 1, "md5": hashlib.md5(BODY).hexdigest()},
    ],
)
def test_contents_that_differ_from_what_is_known_are_deleted_unopened(downloader, publisher, tmp_path, known):
    publisher.files["model.bin"] = BODY
    with pytest.raises(WrongContents, match="deleted unopened"):
        downloader.fetch(_file(publisher, **known), _ignore)
    assert list((tmp_path / "folder").iterdir()) == []


def test_a_file_put_there_by_hand_is_verified_and_used_without_network(downloader, publisher, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/model.bin").write_bytes(BODY)
    assert downloader.fetch(_file(publisher), _ignore).read_bytes() == BODY
    assert publisher.requests == []


def test_a_wrong_file_put_there_by_hand_is_refused(downloader, publisher, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/model.bin").write_bytes(b"anything")
    with pytest.raises(WrongContents):
        downloader.fetch(_file(publisher), _ignore)


@pytest.mark.parametrize("known", [{"size_bytes": 100, "sha256": "0"}, {"max_bytes": 100}])
def test_a_file_larger_than_announced_is_not_read_to_its_end(downloader, publisher, known):
    publisher.files["model.bin"] = BODY
    with pytest.raises(WrongContents, match="larger than the 100 bytes"):
        downloader.fetch(_file(publisher, **known), _ignore)


def test_the_largest_download_is_a_setting(publisher, transport, tmp_path):
    publisher.files["model.bin"] = BODY
    downloader = Downloader(tmp_path, transport, ModelsSettings(max_download_bytes=1000))
    with pytest.raises(WrongContents, match="MODERATION_MODELS__MAX_DOWNLOAD_BYTES"):
        downloader.fetch(_file(publisher), _ignore)


def test_json_without_checksum_must_at_least_be_json(downloader, publisher):
    publisher.files["config.json"] = b"<html>please sign in</html>"
    file = RemoteFile(url=publisher.url("config.json"), path="config.json", download_as="config.json")
    with pytest.raises(WrongContents, match="not JSON"):
        downloader.fetch(file, _ignore)


def test_a_missing_file_is_refused_at_once(downloader, publisher, pauses):
    with pytest.raises(Refused, match="404"):
        downloader.fetch(_file(publisher), _ignore)
    assert len(publisher.requests) == 1
    assert pauses == []


def test_an_overloaded_server_is_asked_again(downloader, publisher):
    publisher.files["model.bin"] = BODY
    publisher.failures["model.bin"] = [503, 429]
    assert downloader.fetch(_file(publisher), _ignore).read_bytes() == BODY


def test_nothing_listening_is_a_network_failure(downloader, publisher, tmp_path):
    file = RemoteFile(url="http://127.0.0.1:9/model.bin", path="m", download_as="m", sha256="00")
    with pytest.raises(NetworkFailed, match=r"cannot reach 127\.0\.0\.1"):
        downloader.fetch(file, _ignore)


def test_a_redirect_is_followed(downloader, publisher):
    publisher.files["elsewhere"] = BODY
    publisher.redirects["model.bin"] = publisher.url("elsewhere")
    assert downloader.fetch(_file(publisher), _ignore).read_bytes() == BODY


class TestPlainHttp:
    """Nothing is fetched without TLS."""

    @pytest.mark.parametrize("url", ["http://127.0.0.1/m", "file:///etc/passwd", "ftp://127.0.0.1/m"])
    def test_other_addresses_than_https_are_refused(self, url):
        with pytest.raises(ConfigurationError, match="TLS"), Transport(timeout_s=1).get(url):
            pass

    def test_a_redirect_to_plain_http_is_refused(self, publisher, transport):
        publisher.redirects["model.bin"] = "http://localhost:1/model.bin"
        with pytest.raises(ConfigurationError, match="TLS"), transport.get(publisher.url("model.bin")):
            pass

    def test_a_certificate_that_nobody_vouches_for_is_refused(self, self_signed_server):
        with pytest.raises(NetworkFailed, match="certificate"), Transport(timeout_s=5).get(self_signed_server):
            pass
