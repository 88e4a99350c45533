"""Put a model into the store, all of it or nothing: filled in a folder aside, recorded, then renamed into place."""

import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from moderation.clock import Clock
from moderation.errors import ConfigurationError
from moderation.models.catalogue import split_name
from moderation.models.manifest import Manifest, read_manifest, record_files, write_manifest

_STAGING = "staging-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What the manifest says about a model beyond its files."""

    name: str
    origin: str
    licence: str
    languages: tuple[str, ...]
    version: str | None = None
    """None: the first digits of the SHA-256 of the largest file."""


def folder_of(root: Path, name: str) -> Path:
    """Where the store keeps a model: `<root>/<engine>/<model>`."""
    engine, model = split_name(name)
    return root / engine / model


def install(root: Path, provenance: Provenance, fill: Callable[[Path], None], clock: Clock) -> Path:
    """Install a model unless it is there already; safe when several processes do so at once.

    Args:
        root: the store's folder; made when missing.
        provenance: what to record.
        fill: writes the model's files into the empty folder that it is given; called at most once.
        clock: gives the instant of the installation.

    Returns: the model's folder.
    Raises:
        ConfigurationError: the store cannot be written to.
        Whatever `fill` raises; the store is then as it was before.
    """
    target = folder_of(root, provenance.name)
    with _explained(root), _only_one(root, provenance.name) as scratch:
        if read_manifest(target) is not None:
            return target
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=scratch))
        try:
            fill(staging)
            _record(staging, provenance, clock)
            _put(staging, target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return target


def _record(staging: Path, provenance: Provenance, clock: Clock) -> None:
    files = record_files(staging)
    largest = max(files.values(), key=lambda record: record.size_bytes)
    write_manifest(
        staging,
        Manifest(
            name=provenance.name,
            version=provenance.version or largest.sha256[:12],
            origin=provenance.origin,
            licence=provenance.licence,
            languages=provenance.languages,
            installed_at=clock.now(),
            files=files,
        ),
    )


def _put(staging: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():  # without a readable manifest: debris, or put there by hand
        raise ConfigurationError(
            f"{target} is in the way: it was not installed by this program. Move it elsewhere and try again"
        )
    staging.chmod(0o755)
    staging.rename(target)


@contextmanager
def _explained(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"cannot write to the model store {root} ({error.strerror}); free some space, or set MODERATION_MODELS_DIR "
            "to a folder that can be written to"
        ) from error


@contextmanager
def _only_one(root: Path, name: str) -> Iterator[Path]:
    """Hold the model's lock, which the kernel releases with the process; give its scratch folder, emptied of debris."""
    scratch = root / ".scratch" / name.replace(":", "-")
    scratch.mkdir(parents=True, exist_ok=True)
    with (scratch / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for debris in scratch.glob(f"{_STAGING}*"):
            shutil.rmtree(debris, ignore_errors=True)
        yield scratch
