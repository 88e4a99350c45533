"""The examples beside the schemas are what producers and consumers copy from: they must be true."""

import json
from pathlib import Path
from typing import Any

import pytest

from moderation.contracts.as_json import to_json
from moderation.contracts.catalogue import load_schemas, locate
from moderation.contracts.codecs import load_codecs
from moderation.contracts.framing import SINGLE_OBJECT_MARKER, fingerprint
from moderation.settings import Settings


def _codec(event: str) -> Any:
    codecs = load_codecs(Settings())
    return {
        "audio_chunk": codecs.audio_chunks,
        "transcript": codecs.transcripts,
        "moderation_flag": codecs.flags,
        "dead_letter": codecs.dead_letters,
        "resume_mark": codecs.resume_marks,
        "dead_letter_replay": codecs.replays,
    }[event]


def test_every_schema_has_examples() -> None:
    folders = {path.name for path in (locate("schemas") / "examples").iterdir()}
    assert folders == {f"{file.event}.v{file.version}" for file in load_schemas()}
    assert all(list((locate("schemas") / "examples" / folder).glob("*.json")) for folder in folders)


def test_an_example_fits_its_schema(example: Path, schema_of: Any, to_record: Any) -> None:
    to_record(schema_of(example.parent.name), json.loads(example.read_text()))


def test_the_committed_bytes_of_an_example_decode_to_what_its_json_says(example: Path) -> None:
    event = example.parent.name.split(".")[0]
    decoded = _codec(event).decode(example.with_suffix(".bin").read_bytes())
    assert to_json(decoded) == _defaults_of_newest(event) | json.loads(example.read_text())


def _defaults_of_newest(event: str) -> dict[str, Any]:
    """What a reader of today adds to an example of an earlier version."""
    newest = max((file for file in load_schemas() if file.event == event), key=lambda file: file.version)
    return {field["name"]: field["default"] for field in newest.schema["fields"] if "default" in field}


def test_the_committed_bytes_name_the_schema_version_they_lie_with(example: Path, schema_of: Any) -> None:
    header = example.with_suffix(".bin").read_bytes()[:10]
    assert header == SINGLE_OBJECT_MARKER + fingerprint(schema_of(example.parent.name))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"sequnce": 3}, "fields differ"),
        ({"sequence": "3"}, "long expected"),
        ({"sequence": True}, "long expected"),
        ({"encoding": "MP3"}, "no symbol"),
        ({"captured_at": "2026-03-14T20:15:30.250+01:00"}, "UTC"),
        ({"tenant_id": None}, "string expected"),
        ({"attributes": {"region": 4}}, "string expected"),
    ],
)
def test_the_validation_of_examples_rejects_a_bad_one(
    change: dict[str, Any], why: str, schema_of: Any, to_record: Any
) -> None:
    good = json.loads((locate("schemas") / "examples/audio_chunk.v1/opus.json").read_text())
    with pytest.raises(AssertionError, match=why):
        to_record(schema_of("audio_chunk.v1"), {**good, **change})


def test_the_validation_of_examples_rejects_a_missing_field(schema_of: Any, to_record: Any) -> None:
    good = json.loads((locate("schemas") / "examples/audio_chunk.v1/opus.json").read_text())
    del good["payload"]
    with pytest.raises(AssertionError, match="fields differ"):
        to_record(schema_of("audio_chunk.v1"), good)
