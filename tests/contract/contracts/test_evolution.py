"""Readers and writers of different versions understand each other as far as they can."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from moderation.contracts.audio_chunk import AudioChunkCodec
from moderation.contracts.catalogue import SchemaFile, load_schemas, locate
from moderation.contracts.limits import ContractLimits
from moderation.contracts.moderation_flag import ModerationFlagCodec
from moderation.contracts.record import RecordCodec
from moderation.contracts.registry import NoRegistry
from moderation.errors import DeadLetterCode, InvalidMessage
from moderation.events import Severity
from moderation.settings import Settings

LATER_ID = 7


class Registry:
    """A registry that knows one schema, and nothing else."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema

    def schema(self, schema_id: int) -> Mapping[str, Any] | None:
        return self._schema if schema_id == LATER_ID else None


def _schema(event: str, version: int = 1) -> dict[str, Any]:
    (file,) = (file for file in load_schemas() if (file.event, file.version) == (event, version))
    return copy.deepcopy(dict(file.schema))


def _codec(event: str, *schemas: dict[str, Any], **options: Any) -> RecordCodec:
    files = [SchemaFile(event=event, version=number, schema=schema) for number, schema in enumerate(schemas, start=1)]
    return RecordCodec(event, files, **{"max_value_bytes": 9999, "max_items": 99, "resolver": NoRegistry(), **options})


def _example(path: str) -> bytes:
    return (locate("schemas") / "examples" / path).read_bytes()


def _field(schema: dict[str, Any], name: str) -> Any:
    return next(field for field in schema["fields"] if field["name"] == name)["type"]


def test_a_later_reader_reads_what_v1_wrote_and_fills_in_the_default() -> None:
    later = _schema("audio_chunk")
    later["fields"].append({"name": "codec_delay_ms", "doc": "Later.", "type": "int", "default": 5})
    record = _codec("audio_chunk", _schema("audio_chunk"), later).decode(_example("audio_chunk.v1/opus.bin"))
    assert record["codec_delay_ms"] == 5
    assert record["stream_id"] == "match-4711/7"


def test_a_v1_reader_ignores_a_field_that_a_later_writer_added() -> None:
    later = _schema("audio_chunk")
    later["fields"].insert(0, {"name": "codec_delay_ms", "doc": "Later.", "type": "int", "default": 5})
    record = _codec("audio_chunk", _schema("audio_chunk")).decode(_example("audio_chunk.v1/pcm.bin"))
    value = _codec("audio_chunk", later, writer_id=LATER_ID).encode({**record, "codec_delay_ms": 9})
    assert value[:5] == b"\x00\x00\x00\x00\x07"
    assert _codec("audio_chunk", _schema("audio_chunk"), resolver=Registry(later)).decode(value) == record


def test_a_v1_reader_refuses_a_chunk_in_an_encoding_that_came_later() -> None:
    later = _schema("audio_chunk")
    _field(later, "encoding")["symbols"].append("LC3")
    record = _codec("audio_chunk", later).decode(
        _codec("audio_chunk", later).encode(
            {
                **_codec("audio_chunk", _schema("audio_chunk")).decode(_example("audio_chunk.v1/pcm.bin")),
                "encoding": "LC3",
            }
        )
    )
    value = _codec("audio_chunk", later, writer_id=LATER_ID).encode(record)
    reader = _codec("audio_chunk", _schema("audio_chunk"), resolver=Registry(later))
    with pytest.raises(InvalidMessage) as refused:
        AudioChunkCodec(reader, ContractLimits.of(Settings())).decode(value)
    assert refused.value.code is DeadLetterCode.UNSUPPORTED_FORMAT


def test_a_v1_reader_takes_a_severity_that_came_later_for_the_worst() -> None:
    later = _schema("moderation_flag")
    detection = _field(later, "detections")["items"]
    _field(detection, "severity")["symbols"].append("catastrophic")
    record = _codec("moderation_flag", _schema("moderation_flag")).decode(_example("moderation_flag.v1/insult.bin"))
    value = _codec("moderation_flag", later, writer_id=LATER_ID).encode({**record, "severity": "catastrophic"})
    versions = (_schema("moderation_flag"), _schema("moderation_flag", 2))
    reader = _codec("moderation_flag", *versions, resolver=Registry(later))
    assert ModerationFlagCodec(reader).decode(value).severity is Severity.CRITICAL


VERSION_1 = [("transcript", "final"), ("transcript", "partial"), ("moderation_flag", "insult")]


@pytest.mark.parametrize(("event", "name"), VERSION_1)
def test_what_v1_wrote_is_read_as_an_utterance_without_missing_audio(event: str, name: str) -> None:
    value = _example(f"{event}.v1/{name}.bin")
    as_v1 = _codec(event, _schema(event)).decode(value)
    assert _codec(event, _schema(event), _schema(event, 2)).decode(value) == {**as_v1, "missing": []}


@pytest.mark.parametrize(("event", "name"), [("transcript", "gap"), ("moderation_flag", "gap")])
def test_a_v1_reader_that_can_look_v2_up_reads_it_without_its_missing_audio(event: str, name: str) -> None:
    record = _codec(event, _schema(event, 2)).decode(_example(f"{event}.v2/{name}.bin"))
    assert record["missing"]
    message = _codec(event, _schema(event, 2), writer_id=LATER_ID).encode(record)
    read_by_v1 = _codec(event, _schema(event), resolver=Registry(_schema(event, 2))).decode(message)
    assert read_by_v1 == {field: value for field, value in record.items() if field != "missing"}


@pytest.mark.parametrize("event", ["transcript", "moderation_flag"])
def test_a_v1_reader_without_a_registry_refuses_v2_rather_than_misread_it(event: str) -> None:
    with pytest.raises(InvalidMessage) as refused:
        _codec(event, _schema(event)).decode(_example(f"{event}.v2/gap.bin"))
    assert refused.value.code is DeadLetterCode.UNKNOWN_SCHEMA


@pytest.mark.parametrize("event", ["transcript", "moderation_flag"])
def test_today_v2_is_written(event: str) -> None:
    newest = _codec(event, _schema(event), _schema(event, 2))
    value = _example(f"{event}.v2/gap.bin")
    assert newest.encode(newest.decode(value)) == value


@pytest.mark.parametrize("name", ["open", "ended"])
def test_a_mark_that_v1_wrote_owes_no_flag(name: str) -> None:
    value = _example(f"resume_mark.v1/{name}.bin")
    as_v1 = _codec("resume_mark", _schema("resume_mark")).decode(value)
    newest = _codec("resume_mark", _schema("resume_mark"), _schema("resume_mark", 2))
    assert newest.decode(value) == {**as_v1, "provisional_flag_id": None}


def test_an_id_that_the_registry_does_not_know_is_an_unknown_schema() -> None:
    reader = _codec("audio_chunk", _schema("audio_chunk"), resolver=Registry(_schema("audio_chunk")))
    with pytest.raises(InvalidMessage) as refused:
        reader.decode(b"\x00\x00\x00\x00\x08" + _example("audio_chunk.v1/opus.bin")[10:])
    assert refused.value.code is DeadLetterCode.UNKNOWN_SCHEMA


def test_an_id_of_another_event_is_an_unknown_schema() -> None:
    reader = _codec("audio_chunk", _schema("audio_chunk"), resolver=Registry(_schema("transcript")))
    with pytest.raises(InvalidMessage) as refused:
        reader.decode(b"\x00\x00\x00\x00\x07" + _example("transcript.v1/final.bin")[10:])
    assert refused.value.code is DeadLetterCode.UNKNOWN_SCHEMA


def test_a_registered_schema_that_cannot_be_resolved_to_ours_is_malformed() -> None:
    other = _schema("audio_chunk")
    other["fields"] = [field for field in other["fields"] if field["name"] != "stream_id"]
    reader = _codec("audio_chunk", _schema("audio_chunk"))
    record = reader.decode(_example("audio_chunk.v1/opus.bin"))
    value = _codec("audio_chunk", other, writer_id=LATER_ID).encode(record)
    with pytest.raises(InvalidMessage) as refused:
        _codec("audio_chunk", _schema("audio_chunk"), resolver=Registry(other)).decode(value)
    assert refused.value.code is DeadLetterCode.MALFORMED_AVRO


@pytest.mark.parametrize(
    "fields",
    [[{"name": "next", "type": ["null", "AudioChunk"]}], [{"name": "x", "type": "nonsense"}], [{"name": "x"}], "x"],
    ids=str,
)
def test_a_registered_schema_that_nobody_can_read_is_an_unknown_schema(fields: Any) -> None:
    broken = {**_schema("audio_chunk"), "fields": fields}
    reader = _codec("audio_chunk", _schema("audio_chunk"), resolver=Registry(broken))
    with pytest.raises(InvalidMessage) as refused:
        reader.decode(b"\x00\x00\x00\x00\x07body")
    assert refused.value.code is DeadLetterCode.UNKNOWN_SCHEMA
