"""The clips that are measured on: a folder of real speech that the user names, or the demo's."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import as_file
from pathlib import Path
from typing import Any

import numpy as np

from moderation.audio.files import read_audio_file
from moderation.audio.utterance import SAMPLE_RATE_HZ, Samples
from moderation.demo.manifest import clips_folder, load_manifest
from moderation.errors import ConfigurationError

SHORT_S = 4.0
"""Up to this length an utterance is short: most of what is said in voice chat."""

MANIFEST = "manifest.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One recording: 16 kHz mono samples, and what is said in it (None: nothing is)."""

    clip_id: str
    collection: str
    language: str
    text: str | None
    samples: Samples = field(repr=False)

    @property
    def duration_s(self) -> float:
        """Length, s."""
        return len(self.samples) / SAMPLE_RATE_HZ


def load_clips(folder: Path | None) -> list[Clip]:
    """The clips of `folder`, or those of the demo.

    `folder` holds audio files and a `manifest.jsonl` with an object a line: `path`, `set`, `language`, `transcript`
    (or null), `kind` (`speech` or `nonspeech`). Speech without a transcript is left out.

    Raises:
        ConfigurationError: the folder has no such manifest, or a file of it cannot be read.
    """
    return list(_demo_clips() if folder is None else _folder_clips(folder))


def _folder_clips(folder: Path) -> Iterator[Clip]:
    manifest = folder / MANIFEST
    try:
        lines = manifest.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigurationError(f"cannot read {manifest} ({error.strerror}); see `--help` for its format") from error
    for number, line in enumerate(lines, start=1):
        entry = _entry(manifest, number, line)
        if entry["transcript"] or entry["kind"] != "speech":
            yield Clip(
                clip_id=entry["path"],
                collection=entry["set"],
                language=entry["language"] or "en",
                text=entry["transcript"] or None,
                samples=_samples(folder / entry["path"]),
            )


def _entry(manifest: Path, number: int, line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
        return {name: entry[name] for name in ("path", "set", "language", "transcript", "kind")}
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{manifest}, line {number}: {error!r}; see `--help` for the format") from error


def _demo_clips() -> Iterator[Clip]:
    for entry in load_manifest().clips:
        with as_file(clips_folder() / entry.file_name) as path:
            yield Clip(
                clip_id=entry.id,
                collection="demo" if entry.text else "demo_noise",
                language=entry.language or "en",
                text=entry.text or None,
                samples=_samples(path),
            )


def _samples(path: Path) -> Samples:
    return np.concatenate(list(read_audio_file(path)))
