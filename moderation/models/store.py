"""Where models lie on this machine: in installed packages, or in the store's folder."""

from dataclasses import dataclass
from pathlib import Path

from moderation.clock import Clock, SystemClock
from moderation.errors import ModelMissing
from moderation.models.catalogue import ModelSpec, Packaged, PackagedParts, VoskList
from moderation.models.install import Provenance, folder_of, install
from moderation.models.known import catalogue, lookup
from moderation.models.manifest import Manifest, read_manifest
from moderation.models.packaged import assemble, distribution_version, packaged_folder, parts_present


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """A model and whether it is there."""

    spec: ModelSpec
    path: Path | None
    """Its folder; None when it is not installed, or when packages hold it in parts that were not joined yet."""
    origin: str | None
    """Where it is installed from, for people; None when it is not installed."""
    version: str | None
    size_bytes: int | None
    languages: tuple[str, ...]
    """Primary BCP-47 tags; empty for any."""
    licence: str

    @property
    def installed(self) -> bool:
        """Whether `require` would succeed (as far as can be told without trying)."""
        return self.origin is not None


class ModelStore:
    """The models of this machine. Holds no state: what it says is what lies on the disk. Safe to share.

    Layout: `<root>/<engine>/<model>/` with a manifest in each; `<root>/downloads/` for files being downloaded or put
    there by hand.
    """

    def __init__(self, root: Path, clock: Clock | None = None) -> None:
        """`root` is `settings.models_dir`; `~` is understood, and the folder is made when it is first needed."""
        self.root = root.expanduser()
        self._clock = clock or SystemClock()

    @property
    def downloads(self) -> Path:
        """Where files wait until they are verified and installed."""
        return self.root / "downloads"

    def find(self, name: str) -> Path | None:
        """The folder of a model, or None when it is not installed.

        A model that packages hold in parts is joined into the store on first need: about a second, and 150 MB.

        Raises:
            UnknownModel: there is no model of that name.
            ConfigurationError: parts have to be joined and the store cannot be written to, or they are damaged.
        """
        spec = lookup(name)
        folder = folder_of(self.root, name)
        if read_manifest(folder) is not None:
            return folder
        match spec.source:
            case Packaged() as source:
                return packaged_folder(source)
            case PackagedParts() as source if parts_present(source):
                return self._assemble(spec, source)
            case _:
                return None

    def require(self, name: str) -> Path:
        """The folder of a model.

        Raises:
            ModelMissing: it is not installed; the message names the command that installs it.
            UnknownModel, ConfigurationError: as `find`.
        """
        path = self.find(name)
        if path is None:
            raise ModelMissing(f"the model {name} is not installed; install it with: {install_command(lookup(name))}")
        return path

    def status(self, name: str) -> ModelStatus:
        """What is known about a model here, without changing anything on the disk.

        Raises:
            UnknownModel: there is no model of that name.
        """
        spec = lookup(name)
        folder = folder_of(self.root, name)
        manifest = read_manifest(folder)
        return _in_store(spec, folder, manifest) if manifest else _in_packages(spec)

    def statuses(self) -> list[ModelStatus]:
        """Every model of the catalogue, and every other that is installed in the store, in order of name."""
        names = {spec.name for spec in catalogue()} | set(self._stored_names())
        return [self.status(name) for name in sorted(names)]

    def _stored_names(self) -> list[str]:
        folders = [folder for engine in ("whisper", "vosk", "detoxify") for folder in (self.root / engine).glob("*")]
        manifests = [(folder, read_manifest(folder)) for folder in folders]
        return [m.name for folder, m in manifests if m and folder_of(self.root, m.name) == folder]

    def _assemble(self, spec: ModelSpec, source: PackagedParts) -> Path:
        provenance = Provenance(
            name=spec.name,
            origin=f"packages {', '.join(source.distributions)}",
            licence=spec.licence,
            languages=spec.languages,
            version=distribution_version(source.distributions[0]),
        )
        return install(self.root, provenance, lambda folder: assemble(source, folder), self._clock)


def install_command(spec: ModelSpec) -> str:
    """The command that installs a model."""
    match spec.source:
        case Packaged(distribution=distribution):
            return f"pip install {distribution}"
        case PackagedParts() as source:
            return f"pip install {' '.join(source.distributions)}"
        case _:
            return f"moderation models fetch {spec.name}"


def _in_store(spec: ModelSpec, folder: Path, manifest: Manifest) -> ModelStatus:
    # Of a published Vosk model only the manifest knows more than its name; of the others the catalogue knows best.
    from_list = isinstance(spec.source, VoskList)
    return ModelStatus(
        spec=spec,
        path=folder,
        origin=manifest.origin,
        version=manifest.version,
        size_bytes=manifest.size_bytes,
        languages=manifest.languages if from_list else spec.languages,
        licence=manifest.licence if from_list else spec.licence,
    )


def _in_packages(spec: ModelSpec) -> ModelStatus:
    path, origin, version = None, None, None
    match spec.source:
        case Packaged() as source:
            path = packaged_folder(source)
            version = distribution_version(source.distribution) if path else None
            origin = f"package {source.distribution}" if path else None
        case PackagedParts() as source if parts_present(source):
            version = distribution_version(source.distributions[0])
            origin = f"packages {', '.join(source.distributions)} (joined on first use)"
        case _:
            pass
    return ModelStatus(
        spec=spec,
        path=path,
        origin=origin,
        version=version,
        size_bytes=spec.size_bytes,
        languages=spec.languages,
        licence=spec.licence,
    )
