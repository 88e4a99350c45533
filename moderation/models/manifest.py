"""What was installed into a model's folder: its files with sizes and checksums, kept beside them as JSON."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from moderation.models.checksum import checksum_of

MANIFEST_FILE = "manifest.voice-moderation.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """One file of an installed model."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An installed model. The keys of `files` are paths relative to its folder."""

    name: str
    version: str
    """The publisher's name or version of the model, or the first digits of the SHA-256 of its largest file."""
    origin: str
    """Where the files came from, for people."""
    licence: str
    languages: tuple[str, ...]
    installed_at: datetime
    files: dict[str, FileRecord]

    @property
    def size_bytes(self) -> int:
        """Of all files together."""
        return sum(record.size_bytes for record in self.files.values())


def record_files(folder: Path) -> dict[str, FileRecord]:
    """Take the size and checksum of every file under a folder, the manifest itself left out."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST_FILE)
    return {
        path.relative_to(folder).as_posix(): FileRecord(size_bytes=path.stat().st_size, sha256=checksum_of(path))
        for path in paths
    }


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest into the model's folder."""
    document = {
        "name": manifest.name,
        "version": manifest.version,
        "origin": manifest.origin,
        "licence": manifest.licence,
        "languages": list(manifest.languages),
        "installed_at": manifest.installed_at.isoformat(),
        "files": {
            path: {"size_bytes": record.size_bytes, "sha256": record.sha256} for path, record in manifest.files.items()
        },
    }
    (folder / MANIFEST_FILE).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a model's folder; None where there is none or it is damaged, that is: nothing is installed."""
    try:
        document = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        return Manifest(
            name=document["name"],
            version=document["version"],
            origin=document["origin"],
            licence=document["licence"],
            languages=tuple(document["languages"]),
            installed_at=datetime.fromisoformat(document["installed_at"]),
            files={path: FileRecord(**record) for path, record in document["files"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
