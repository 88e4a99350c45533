"""Unpack a zip archive that nobody should trust."""

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from moderation.errors import ConfigurationError
from moderation.settings import ModelsSettings

_PIECE_BYTES = 1024 * 1024


class UnsafeArchive(ConfigurationError):
    """An archive that is damaged, too large when unpacked, or reaches outside its folder."""


def unpack(archive: Path, folder: Path, settings: ModelsSettings) -> None:
    """Unpack regular files under `folder`, without the single top folder that archives of models have.

    Nothing is written outside `folder`; bytes are counted as they are written, not believed from the archive.

    Raises:
        UnsafeArchive: see there; what was unpacked until then stays in `folder`, for the caller to discard.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            if len(entries) > settings.max_unpacked_files:
                raise UnsafeArchive(
                    f"{archive.name} holds {len(entries)} files; MODERATION_MODELS__MAX_UNPACKED_FILES allows "
                    f"{settings.max_unpacked_files}"
                )
            budget = settings.max_unpacked_bytes
            for entry, path in zip(entries, _paths(archive, entries), strict=True):
                budget -= _write(archive, opened, entry, folder / path, budget)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, zlib.error) as error:
        raise UnsafeArchive(f"{archive.name} is damaged or of an unsupported kind ({type(error).__name__})") from None


def _paths(archive: Path, entries: list[zipfile.ZipInfo]) -> list[PurePosixPath]:
    paths = [_safe(archive, entry) for entry in entries]
    if len({str(path).casefold() for path in paths}) < len(paths):
        raise UnsafeArchive(f"{archive.name} holds two files of one name")
    tops = {path.parts[0] for path in paths}
    strip = len(tops) == 1 and all(len(path.parts) > 1 for path in paths)
    return [PurePosixPath(*path.parts[1:]) for path in paths] if strip else paths


def _safe(archive: Path, entry: zipfile.ZipInfo) -> PurePosixPath:
    path = PurePosixPath(entry.filename)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    escapes = (
        not path.parts or path.is_absolute() or ".." in path.parts or "\\" in entry.filename or ":" in path.parts[0]
    )
    if escapes or kind not in (0, stat.S_IFREG):
        raise UnsafeArchive(f"{archive.name} holds a link, a device or a path that leads outside; it was not unpacked")
    if entry.flag_bits & 0x1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnsafeArchive(f"{archive.name} is encrypted, or packed in an unusual way")
    return path


def _write(archive: Path, opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, budget: int) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with opened.open(entry) as packed, target.open("xb") as output:
        while piece := packed.read(_PIECE_BYTES):
            written += len(piece)
            if written > budget:
                raise UnsafeArchive(f"{archive.name} unpacks to more than MODERATION_MODELS__MAX_UNPACKED_BYTES allows")
            output.write(piece)
    return written
