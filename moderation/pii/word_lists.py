"""The lists of words and names that come with the package."""

from pathlib import Path


def read_words(name: str) -> frozenset[str]:
    """The words of `words/<name>.txt`, lower-case; lines that start with # are comments."""
    lines = (Path(__file__).parent / "words" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())
