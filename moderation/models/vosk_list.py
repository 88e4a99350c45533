"""The list of models that Vosk's publisher keeps: name, language, size, MD5 and address of each.

Source: https://alphacephei.com/vosk/models/model-list.json
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moderation.errors import ConfigurationError, ModerationError
from moderation.models.by_hand import DownloadFailed
from moderation.models.catalogue import RemoteFile, UnknownModel
from moderation.models.transport import NetworkFailed, Refused, Transport

VOSK_LIST_URL = "https://alphacephei.com/vosk/models/model-list.json"
LIST_FILE = "vosk-model-list.json"
_MAX_LIST_BYTES = 4 * 1024**2
_LANGUAGES = {"cn": "zh", "gr": "el", "jp": "ja", "kz": "kk", "ph": "tl", "ua": "uk", "vn": "vi"}
"""The publisher's codes that are not BCP-47."""
_PREFERRED = {"en": "en-us", "ar": "ar"}
"""Which variety is meant by a language alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedModel:
    """One entry of the list."""

    name: str
    variety: str
    """The publisher's language code, e.g. `en-us`."""
    kind: str
    """`small`, `big` or `big-lgraph`."""
    obsolete: bool
    size_bytes: int
    md5: str
    url: str

    @property
    def language(self) -> str:
        """Primary BCP-47 tag."""
        primary = self.variety.split("-")[0]
        return _LANGUAGES.get(primary, primary)

    @property
    def file(self) -> RemoteFile:
        """The archive, with what it is checked by."""
        return RemoteFile(
            url=self.url,
            path=f"{self.name}.zip",
            download_as=f"{self.name}.zip",
            size_bytes=self.size_bytes,
            md5=self.md5,
        )


def fetch_list(transport: Transport, downloads: Path, url: str = VOSK_LIST_URL) -> list[PublishedModel]:
    """Get the list from its publisher; without network, the copy that a person put into `downloads`.

    Raises:
        DownloadFailed: neither is there.
        ConfigurationError: it is not such a list.
    """
    by_hand = downloads / LIST_FILE
    try:
        with transport.get(url) as answer:
            document = answer.body.read(_MAX_LIST_BYTES)
    except (NetworkFailed, Refused) as error:
        if not by_hand.is_file():
            raise DownloadFailed(
                f"{error}. Sizes and checksums of Vosk models come from {url} : on a machine with network, download it "
                f"and the model, put them here as {by_hand} and {downloads}/<model>.zip, and run the same command"
            ) from None
        document = by_hand.read_bytes()
    return parse_list(document)


def parse_list(document: bytes) -> list[PublishedModel]:
    """Read the publisher's JSON.

    Raises:
        ConfigurationError: it is not such a list.
    """
    try:
        return [_entry(entry) for entry in json.loads(document)]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigurationError(
            "the list of Vosk models cannot be read: it is not JSON, or its publisher changed its form"
        ) from None


def choose(models: list[PublishedModel], wanted: str) -> PublishedModel:
    """The model of a name, or the small model of a language.

    Raises:
        UnknownModel: there is none, or the language alone does not decide; the message names those that may be meant.
    """
    for model in models:
        if model.name == wanted:
            return model
    current = [model for model in models if not model.obsolete and model.language == wanted]
    small = [model for model in current if model.kind == "small"]
    preferred = [model for model in small if model.variety == _PREFERRED.get(wanted)] or small
    if len(preferred) == 1:
        return preferred[0]
    raise _undecided(wanted, preferred or current)


def _undecided(wanted: str, candidates: list[PublishedModel]) -> ModerationError:
    if candidates:
        names = ", ".join(f"vosk:{model.name}" for model in candidates)
        return UnknownModel(f"vosk:{wanted} does not name one small model; name one of {names}")
    return UnknownModel(
        f"Vosk's publisher has no model {wanted!r}; `moderation models list --published` shows what there is"
    )


def _entry(entry: dict[str, Any]) -> PublishedModel:
    return PublishedModel(
        name=str(entry["name"]),
        variety=str(entry["lang"]).lower(),
        kind=str(entry["type"]),
        obsolete=str(entry["obsolete"]).lower() == "true",
        size_bytes=int(entry["size"]),
        md5=str(entry["md5"]).lower(),
        url=str(entry["url"]),
    )
