"""What a catalogue entry is: a model, its licence and where its files come from. The entries are in `known.py`."""

import re
from dataclasses import dataclass

from moderation.errors import ConfigurationError

_NAME = re.compile(r"(?P<engine>whisper|vosk|detoxify):(?P<model>[A-Za-z0-9][A-Za-z0-9._-]{0,99})")


class UnknownModel(ConfigurationError):
    """No model has this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packaged:
    """A model that lies ready in an installed Python package."""

    distribution: str
    """What pip installs."""
    package: str
    """What Python would import; it is located, not imported."""
    folder: str
    """Where the model lies in the package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedPart:
    """One file of a package."""

    distribution: str
    package: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedParts:
    """A model that packages carry in pieces: the parts are joined once into the store, the other files copied."""

    joined_as: str
    parts: tuple[PackagedPart, ...]
    copies: tuple[PackagedPart, ...]
    size_bytes: int
    """Of the joined file."""
    sha256: str
    """Of the joined file."""

    @property
    def distributions(self) -> tuple[str, ...]:
        """What pip installs, without repetition."""
        return tuple(dict.fromkeys(part.distribution for part in (*self.parts, *self.copies)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file at its publisher's, with everything that is known to check it by."""

    url: str
    path: str
    """Where it goes in the model's folder."""
    download_as: str
    """Its path in the store's `downloads` folder, where a person may put it by hand."""
    max_bytes: int | None = None
    """Cap for files whose size is not known; `max_download_bytes` when None."""
    size_bytes: int | None = None
    sha256: str | None = None
    """Hexadecimal; a prefix where the publisher gives no more."""
    md5: str | None = None

    @property
    def checked_by(self) -> str:
        """How the file is verified, for people."""
        checks = []
        if self.size_bytes is not None:
            checks.append(f"{self.size_bytes} bytes")
        if self.sha256 is not None:
            checks.append(f"SHA-256 {self.sha256}" + ("..." if len(self.sha256) < 64 else ""))
        if self.md5 is not None:
            checks.append(f"MD5 {self.md5}")
        return " and ".join(checks) or "its publisher's TLS certificate"

    @property
    def has_checksum(self) -> bool:
        """Whether the contents can be told from wrong ones."""
        return self.sha256 is not None or self.md5 is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloads:
    """A model that is fetched file by file."""

    files: tuple[RemoteFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VoskList:
    """A model of Vosk's publisher: size, checksum and address come from the publisher's list at fetch time."""

    wanted: str
    """The publisher's name of a model, or a language of which the small model is meant."""


Source = Packaged | PackagedParts | Downloads | VoskList


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model we know how to get."""

    name: str
    purpose: str
    languages: tuple[str, ...]
    """Primary BCP-47 tags; empty for any (and for a published Vosk model, until it is installed, for unknown)."""
    licence: str
    size_bytes: int | None
    """Installed size, roughly; None where only the publisher's list knows."""
    source: Source

    @property
    def engine(self) -> str:
        """`whisper`, `vosk` or `detoxify`."""
        return split_name(self.name)[0]


def split_name(name: str) -> tuple[str, str]:
    """Part `engine:model`.

    Raises:
        UnknownModel: it is not such a name (nor one that could name a file outside the store).
    """
    match = _NAME.fullmatch(name)
    if match is None or ".." in name:
        raise UnknownModel(
            f"{name!r} is not a model: names are written engine:model, such as whisper:base, vosk:de or "
            "detoxify:unbiased; `moderation models list` shows them"
        )
    return match["engine"], match["model"]
