"""Checksums of files, read in pieces."""

import hashlib
from pathlib import Path
from typing import Literal

Algorithm = Literal["sha256", "md5"]


def checksum_of(path: Path, algorithm: Algorithm = "sha256") -> str:
    """The checksum of a file in lower-case hexadecimal. MD5 is there because Vosk's publisher gives nothing else."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()
