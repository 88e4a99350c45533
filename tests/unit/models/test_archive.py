"""Unpacking archives that nobody should trust."""

import stat
import zipfile
from pathlib import Path

import pytest

from moderation.models.archive import UnsafeArchive, unpack
from moderation.settings import ModelsSettings


def _zip(tmp_path: Path, entries: dict[str, bytes], **info) -> Path:
    archive = tmp_path / "model.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, body in entries.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            for key, value in info.items():
                setattr(entry, key, value)
            opened.writestr(entry, body)
    return archive


def _unpack(archive: Path, tmp_path: Path, **limits) -> dict[str, bytes]:
    folder = tmp_path / "inner" / "out"
    folder.mkdir(parents=True)
    unpack(archive, folder, ModelsSettings(**limits))
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_single_top_folder_is_left_out(tmp_path):
    archive = _zip(tmp_path, {"vosk-model/am/final.mdl": b"m", "vosk-model/README": b"r"})
    assert _unpack(archive, tmp_path) == {"am/final.mdl": b"m", "README": b"r"}


def test_files_without_a_common_folder_stay_where_they_are(tmp_path):
    assert _unpack(_zip(tmp_path, {"a/x": b"1", "y": b"2"}), tmp_path) == {"a/x": b"1", "y": b"2"}


@pytest.mark.parametrize(
    "name", ["../evil", "m/../../evil", "/tmp/evil", "m/..\\..\\evil", "C:/evil", "m/../m/evil", "."]
)
def test_a_path_that_leads_outside_is_refused_and_nothing_is_written(tmp_path, name):
    archive = _zip(tmp_path, {"m/good": b"g", name: b"evil"})
    with pytest.raises(UnsafeArchive, match="outside"):
        _unpack(archive, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path != archive]


def test_a_symbolic_link_is_refused(tmp_path):
    archive = _zip(tmp_path, {"m/link": b"/etc/passwd"}, external_attr=(stat.S_IFLNK | 0o777) << 16)
    with pytest.raises(UnsafeArchive, match="link"):
        _unpack(archive, tmp_path)


def test_two_files_of_one_name_are_refused(tmp_path):
    with pytest.raises(UnsafeArchive, match="two files"):
        _unpack(_zip(tmp_path, {"m/am/final.mdl": b"1", "m/AM/final.mdl": b"2"}), tmp_path)


def test_the_unpacked_size_is_counted_not_believed(tmp_path):
    archive = _zip(tmp_path, {"m/bomb": b"\0" * 5_000_000})
    assert archive.stat().st_size < 10_000
    with pytest.raises(UnsafeArchive, match="MODERATION_MODELS__MAX_UNPACKED_BYTES"):
        _unpack(archive, tmp_path, max_unpacked_bytes=1_000_000)


def test_the_unpacked_size_counts_all_files_together(tmp_path):
    archive = _zip(tmp_path, {"m/a": b"x" * 600, "m/b": b"y" * 600})
    with pytest.raises(UnsafeArchive, match="MODERATION_MODELS__MAX_UNPACKED_BYTES"):
        _unpack(archive, tmp_path, max_unpacked_bytes=1_000)


def test_the_number_of_files_is_limited(tmp_path):
    archive = _zip(tmp_path, {f"m/{n}": b"" for n in range(4)})
    with pytest.raises(UnsafeArchive, match="MODERATION_MODELS__MAX_UNPACKED_FILES"):
        _unpack(archive, tmp_path, max_unpacked_files=3)


def test_something_else_than_an_archive_is_refused(tmp_path):
    archive = tmp_path / "model.zip"
    archive.write_bytes(b"<html>")
    with pytest.raises(UnsafeArchive, match="damaged"):
        _unpack(archive, tmp_path)


def test_a_damaged_archive_is_refused(tmp_path):
    archive = _zip(tmp_path, {"m/a": bytes(range(256)) * 100})
    body = bytearray(archive.read_bytes())
    body[60:80] = b"\xff" * 20
    archive.write_bytes(body)
    with pytest.raises(UnsafeArchive, match="damaged"):
        _unpack(archive, tmp_path)


def test_an_archive_that_is_packed_in_an_unusual_way_is_refused(tmp_path):
    archive = tmp_path / "model.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_LZMA) as opened:
        opened.writestr("m/a", b"a")
    with pytest.raises(UnsafeArchive, match="unusual"):
        _unpack(archive, tmp_path)
