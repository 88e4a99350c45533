"""Where the schemas and topics are, and which versions of each schema exist."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from moderation.errors import InvariantViolation

_FILE_NAME = re.compile(r"(?P<event>[a-z_]+)\.v(?P<version>[1-9][0-9]*)\.avsc")


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaFile:
    """One version of the schema of one event, as written in `schemas/<event>.v<N>.avsc`."""

    event: str
    version: int
    schema: Mapping[str, Any]


def locate(folder: Literal["schemas", "topics"]) -> Path:
    """The folder of schemas or of topics: inside the installed package, or at the root of a checkout.

    Raises:
        InvariantViolation: neither exists, so the installation is damaged.
    """
    here = Path(__file__).resolve().parent
    for candidate in (here / folder, here.parents[1] / folder):
        if candidate.is_dir():
            return candidate
    raise InvariantViolation(f"the folder {folder} is missing from this installation; install the package again")


def load_schemas(root: Path | None = None) -> tuple[SchemaFile, ...]:
    """Every schema file of `root` (default: `locate("schemas")`), ordered by event and version.

    Raises:
        InvariantViolation: a file is misnamed or is not JSON, or there is none.
    """
    root = root or locate("schemas")
    files = sorted((_read(path) for path in root.glob("*.avsc")), key=lambda file: (file.event, file.version))
    if not files:
        raise InvariantViolation(f"no schemas in {root}; install the package again")
    return tuple(files)


def _read(path: Path) -> SchemaFile:
    match = _FILE_NAME.fullmatch(path.name)
    if match is None:
        raise InvariantViolation(f"{path} must be named <event>.v<N>.avsc")
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise InvariantViolation(f"{path} is not JSON") from None
    return SchemaFile(event=match["event"], version=int(match["version"]), schema=schema)
