"""Rules that every schema keeps, so that it can evolve and be read without asking."""

from collections.abc import Iterator
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from moderation import events
from moderation.contracts.catalogue import SchemaFile, load_schemas
from moderation.contracts.framing import fingerprint
from moderation.errors import InvariantViolation

FILES = load_schemas()


def _named_types(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, list):
        for part in schema:
            yield from _named_types(part)
    elif isinstance(schema, dict):
        if "name" in schema:
            yield schema
        for field in schema.get("fields", []):
            yield from _named_types(field["type"])
        for inner in ("items", "values"):
            yield from _named_types(schema.get(inner))
        yield from _named_types(schema["type"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.event}.v{file.version}")
def test_every_type_and_every_field_is_documented(file: SchemaFile) -> None:
    for named in _named_types(file.schema):
        assert len(named["doc"]) > 10, named["name"]
        for field in named.get("fields", []):
            assert field["doc"].endswith("."), f"{named['name']}.{field['name']}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.event}.v{file.version}")
def test_every_enum_has_a_default_so_that_symbols_can_be_added(file: SchemaFile) -> None:
    for named in _named_types(file.schema):
        if named["type"] == "enum":
            assert named["default"] in named["symbols"]


def test_a_type_that_two_schemas_share_is_the_same_in_both() -> None:
    newest = {file.event: file for file in FILES}.values()
    seen: dict[str, dict[str, Any]] = {}
    for file in newest:
        for named in _named_types(file.schema):
            assert seen.setdefault(named["name"], named) == named


@pytest.mark.parametrize(
    ("enum", "extra"),
    [(events.AudioEncoding, {"UNKNOWN"}), (events.Severity, set()), (events.DetectionKind, set())],
)
def test_an_enum_of_a_schema_has_the_members_of_the_event(enum: type[StrEnum], extra: set[str]) -> None:
    newest = {file.event: file for file in FILES}.values()
    (symbols,) = (
        named["symbols"] for file in newest for named in _named_types(file.schema) if named["name"] == enum.__name__
    )
    assert set(symbols) == {str(member) for member in enum} | extra


def test_the_chunk_schema_has_exactly_the_fields_of_the_event() -> None:
    (schema,) = (file.schema for file in FILES if file.event == "audio_chunk")
    assert [field["name"] for field in schema["fields"]] == [field.name for field in fields(events.AudioChunk)]


def test_published_schemas_keep_their_fingerprints() -> None:
    """A message names its schema by this; were one to change, everything written before would be unreadable."""
    assert {f"{file.event}.v{file.version}": fingerprint(file.schema).hex() for file in FILES} == {
        "audio_chunk.v1": "7b0a9412e1691d8d",
        "dead_letter.v1": "8fc65b7236c97b40",
        "dead_letter_replay.v1": "08c7842c4d31dcc3",
        "moderation_flag.v1": "e3081516ab3c8d4e",
        "moderation_flag.v2": "92878d46fb0ddb85",
        "resume_mark.v1": "39620bc593833b6e",
        "resume_mark.v2": "275a4731f75e017e",
        "transcript.v1": "47f8824ccd8a9fff",
        "transcript.v2": "e9b9d84e707b134a",
    }


@pytest.mark.parametrize(("name", "text"), [("chunk.avsc", "{}"), ("chunk.v0.avsc", "{}"), ("chunk.v1.avsc", "{")])
def test_a_schema_file_that_is_misnamed_or_broken_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InvariantViolation):
        load_schemas(tmp_path)


def test_a_folder_without_schemas_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvariantViolation, match="no schemas"):
        load_schemas(tmp_path)
