"""Check installed models against what was recorded when they were installed."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from moderation.models.catalogue import Packaged, PackagedPart, PackagedParts
from moderation.models.checksum import checksum_of
from moderation.models.manifest import Manifest, read_manifest, record_files
from moderation.models.store import ModelStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What came of checking a model. `problems` is empty when all is well."""

    name: str
    files: int
    problems: tuple[str, ...]


def verify_model(status: ModelStatus) -> Verification:
    """Compare every file of an installed model with its recorded size and SHA-256; files added since do not matter.

    Models in the store are compared with their manifest, models in packages with the record that pip checked and kept.
    Reads every byte: seconds for large models.
    """
    manifest = read_manifest(status.path) if status.path else None
    if manifest and status.path:
        return _verification(status, list(_stored_problems(status.path, manifest)), len(manifest.files))
    match status.spec.source:
        case Packaged() as source:
            wanted = {(source.distribution, f"{source.package}/{source.folder}/")}
        case PackagedParts() as source:
            wanted = {_recorded_prefix(part) for part in (*source.parts, *source.copies)}
        case _:
            wanted = set()
    files = [file for distribution, prefix in sorted(wanted) for file in _recorded(distribution, prefix)]
    problems = [problem for file in files if (problem := _packaged_problem(file))]
    return _verification(status, problems if files else ["no record of its files is installed"], len(files))


def _verification(status: ModelStatus, problems: list[str], files: int) -> Verification:
    return Verification(name=status.spec.name, files=files, problems=tuple(problems))


def _stored_problems(folder: Path, manifest: Manifest) -> Iterator[str]:
    present = record_files(folder)
    for path, record in manifest.files.items():
        if path not in present:
            yield f"{path} is missing"
        elif present[path].size_bytes != record.size_bytes:
            yield f"{path} has {present[path].size_bytes} bytes instead of {record.size_bytes}"
        elif present[path].sha256 != record.sha256:
            yield f"{path} has changed (SHA-256)"


def _recorded_prefix(part: PackagedPart) -> tuple[str, str]:
    return part.distribution, f"{part.package}/{part.path}"


def _recorded(distribution: str, prefix: str) -> list[metadata.PackagePath]:
    recorded = metadata.files(distribution) or []
    return [file for file in recorded if file.as_posix().startswith(prefix) and file.hash is not None]


def _packaged_problem(file: metadata.PackagePath) -> str | None:
    path = Path(str(file.locate()))
    if not path.is_file():
        return f"{file} is missing"
    # The record holds URL-safe base64 without padding (PEP 376).
    recorded = base64.urlsafe_b64decode(file.hash.value + "==").hex() if file.hash else ""
    return None if checksum_of(path) == recorded else f"{file} has changed (SHA-256)"
