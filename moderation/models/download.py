"""Download one file: go on where it broke, verify it, and only then let anybody have it."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

from moderation.errors import ConfigurationError
from moderation.models.catalogue import RemoteFile
from moderation.models.checksum import checksum_of
from moderation.models.transport import Answer, NetworkFailed, Refused, Transport
from moderation.settings import ModelsSettings

Progress = Callable[[str, int, int | None], None]
"""Called with the file's name, the bytes that are here, and the size of the file if it is known."""

_PIECE_BYTES = 256 * 1024
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class WrongContents(ConfigurationError):
    """A file is not what its publisher says it is. It was not opened."""


class Downloader:
    """Fetches files into the store's `downloads` folder, one attempt after the other.

    A file that lies there already, whoever put it there, is verified and used.
    """

    def __init__(
        self,
        folder: Path,
        transport: Transport,
        settings: ModelsSettings,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`pause` waits the given seconds between attempts."""
        self._folder = folder
        self._transport = transport
        self._settings = settings
        self._pause = pause

    def fetch(self, file: RemoteFile, progress: Progress) -> Path:
        """Have a verified file.

        Raises:
            NetworkFailed, Refused: as `Transport.get`, after all attempts.
            WrongContents: size or checksum differ; the file was deleted.
            OSError: the disk.
        """
        path = self._folder / file.download_as
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(path.name + ".part")
            self._complete(file, part, progress)
            verify_download(part, file)
            part.rename(path)
        verify_download(path, file)
        return path

    def _complete(self, file: RemoteFile, part: Path, progress: Progress) -> None:
        for attempt in range(self._settings.download_attempts):
            try:
                return self._attempt(file, part, progress)
            except NetworkFailed:
                if attempt + 1 == self._settings.download_attempts:
                    raise
                self._pause(self._settings.retry_pause_s)
        return None

    def _attempt(self, file: RemoteFile, part: Path, progress: Progress) -> None:
        here = part.stat().st_size if part.is_file() and file.has_checksum else 0
        try:
            with self._transport.get(file.url, offset=here) as answer:
                offset, size = _placement(answer, here)
                self._refuse_too_large(file, size or 0)
                with part.open("r+b" if offset else "wb") as output:
                    output.seek(offset)
                    done = offset
                    for piece in iter(lambda: answer.body.read(_PIECE_BYTES), b""):
                        done += len(piece)
                        self._refuse_too_large(file, done)
                        output.write(piece)
                        progress(file.download_as, done, size)
                    output.truncate()
        except Refused as error:
            if error.status != 416 or not here:
                raise
            return  # nothing lies beyond the part: it is complete, or of another file; its checksum tells which
        if size is not None and done < size:
            raise NetworkFailed(f"the connection broke after {done} of {size} bytes")

    def _refuse_too_large(self, file: RemoteFile, size: int) -> None:
        cap = min(file.size_bytes or file.max_bytes or size, self._settings.max_download_bytes)
        if size > cap:
            raise WrongContents(
                f"{file.url} is larger than the {cap} bytes expected; if that is in order, raise "
                "MODERATION_MODELS__MAX_DOWNLOAD_BYTES"
            )


def verify_download(path: Path, file: RemoteFile) -> None:
    """Check a file against all that is known of it; delete it when it differs.

    Raises:
        WrongContents: size or checksum differ.
    """
    problem = _difference(path, file)
    if problem:
        path.unlink()
        raise WrongContents(
            f"{file.url} is not the file that its publisher describes ({problem}); it was deleted unopened. Try again, "
            "and if it happens again do not use it"
        )


def _difference(path: Path, file: RemoteFile) -> str | None:
    size = path.stat().st_size
    if file.size_bytes is not None and size != file.size_bytes:
        return f"{size} bytes instead of {file.size_bytes}"
    if file.sha256 is not None and not checksum_of(path).startswith(file.sha256):
        return f"its SHA-256 does not begin with {file.sha256}" if len(file.sha256) < 64 else "its SHA-256 differs"
    if file.md5 is not None and checksum_of(path, "md5") != file.md5:
        return "its MD5 differs"
    if not file.has_checksum and path.suffixes[:1] == [".json"]:
        return _json_problem(path)
    return None


def _json_problem(path: Path) -> str | None:
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return "it is not JSON"
    return None


def _placement(answer: Answer, asked_offset: int) -> tuple[int, int | None]:
    """Where the answer's first byte belongs, and the size of the whole file if the server tells."""
    found = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", "")) if answer.status == 206 else None
    if found and int(found[1]) == asked_offset:
        return asked_offset, int(found[2]) if found[2] != "*" else None
    if answer.status == 206:
        raise NetworkFailed("the server answered with another part of the file than was asked for")
    length = answer.headers.get("content-length", "")
    return 0, int(length) if length.isdecimal() else None
