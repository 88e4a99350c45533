"""What to tell people whose machine has no way to the publisher."""

from collections.abc import Sequence
from pathlib import Path

from moderation.errors import ConfigurationError
from moderation.models.catalogue import RemoteFile


class DownloadFailed(ConfigurationError):
    """A file could not be had from here. The message says how to bring it by hand."""


def download_failed(reason: Exception, files: Sequence[RemoteFile], downloads: Path) -> DownloadFailed:
    """An error that lists every file that is still missing, where to put it, and how it will be verified."""
    missing = [file for file in files if not (downloads / file.download_as).is_file()]
    steps = [f"  {file.url} -> {downloads / file.download_as} (verified by {file.checked_by})" for file in missing]
    return DownloadFailed(
        f"{reason}. Run the same command again to go on where it stopped. Without network here, download these on "
        "another machine, put them where the arrow points, and run the same command:\n" + "\n".join(steps)
    )
