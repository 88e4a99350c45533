import json
import wave
from pathlib import Path

import numpy as np
import pytest

from moderation.bench.clips import Clip, load_clips
from moderation.bench.whisper import groups
from moderation.errors import ConfigurationError


def write(folder: Path, *entries: dict) -> Path:
    for entry in entries:
        with wave.open(str(folder / entry["path"]), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16_000)
            file.writeframes(np.zeros(16_000, np.int16).tobytes())
    lines = [json.dumps({"set": "s", "language": "en", "transcript": None, "kind": "speech", **e}) for e in entries]
    (folder / "manifest.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_speech_with_a_transcript_and_sounds_are_taken(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {"path": "a.wav", "transcript": "hello"},
        {"path": "b.wav"},
        {"path": "c.wav", "kind": "nonspeech", "language": None},
    )
    clips = load_clips(folder)
    assert [(clip.clip_id, clip.text, clip.duration_s) for clip in clips] == [("a.wav", "hello", 1), ("c.wav", None, 1)]


@pytest.mark.parametrize("line", ["{", "[]", '{"path": "a.wav"}', "7"])
def test_a_malformed_manifest_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "manifest.jsonl").write_text(line, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"manifest\.jsonl, line 1: .*--help"):
        load_clips(tmp_path)


def test_a_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--help"):
        load_clips(tmp_path)


def test_the_demo_has_speech_and_sounds() -> None:
    clips = load_clips(None)
    assert {"demo", "demo_noise"} == {clip.collection for clip in clips}
    assert all((clip.text is None) == (clip.collection == "demo_noise") for clip in clips)


def test_groups_are_collections_of_english_then_what_is_short_then_what_is_no_speech() -> None:
    def clip(clip_id: str, collection: str, text: str | None, seconds: float, language: str = "en") -> Clip:
        samples = np.zeros(int(seconds * 16_000), np.float32)
        return Clip(clip_id=clip_id, collection=collection, language=language, text=text, samples=samples)

    grouped = groups(
        [
            clip("a", "read", "hello", 4.0),
            clip("b", "read", "hello again", 4.1),
            clip("c", "chat", "yes", 1.0),
            clip("d", "chat", "ja", 1.0, "de"),
            clip("e", "noise", None, 1.0),
        ]
    )
    assert {name: [c.clip_id for c in members] for name, members in grouped.items()} == {
        "read": ["a", "b"],
        "chat": ["c"],
        "up to 4 s": ["a", "c"],
        "no speech": ["e"],
    }
