"""What every chunk must satisfy, whoever wrote it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from moderation.contracts import audio_chunk
from moderation.contracts.audio_chunk import AudioChunkCodec
from moderation.contracts.catalogue import load_schemas
from moderation.contracts.codecs import Codecs, load_codecs
from moderation.contracts.record import RecordCodec
from moderation.contracts.registry import NoRegistry
from moderation.errors import DeadLetterCode, InvalidMessage
from moderation.events import AudioChunk, AudioEncoding
from moderation.settings import AudioSettings, ContractSettings, KafkaSettings, Settings

MakeChunk = Callable[..., AudioChunk]

BROKEN = [
    ({"tenant_id": ""}, "tenant_id is empty"),
    ({"session_id": "  "}, "session_id is empty"),
    ({"stream_id": "x" * 129}, "stream_id has 129 characters"),
    ({"speaker_id": "a\x1b[31mb"}, "cannot be printed"),
    ({"sequence": -1}, "sequence is negative"),
    ({"captured_at": datetime(1970, 1, 21, tzinfo=UTC)}, "captured_at"),
    ({"captured_at": datetime(2100, 1, 1, tzinfo=UTC)}, "captured_at"),
    ({"sample_rate_hz": 0}, "sample_rate_hz"),
    ({"sample_rate_hz": 768_001}, "sample_rate_hz"),
    ({"channels": 0}, "channels"),
    ({"channels": 256}, "channels"),
    ({"payload": b""}, "payload is empty"),
    ({"language_hint": ""}, "language_hint"),
    ({"language_hint": "en us"}, "language_hint"),
    ({"attributes": {str(number): "" for number in range(33)}}, "33"),
    ({"attributes": {"name": "x" * 513}}, "513 characters"),
    ({"attributes": {"x" * 513: ""}}, "513 characters"),
]


@pytest.mark.parametrize(("change", "sentence"), BROKEN, ids=lambda value: value if isinstance(value, str) else "")
def test_a_chunk_that_breaks_a_rule_is_not_written(
    codecs: Codecs, chunk: MakeChunk, change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidMessage, match=sentence) as refused:
        codecs.audio_chunks.encode(chunk(**change))
    assert refused.value.code is DeadLetterCode.INVALID_FIELD


@pytest.mark.parametrize(("change", "sentence"), BROKEN, ids=lambda value: value if isinstance(value, str) else "")
def test_a_chunk_that_breaks_a_rule_is_not_read(
    codecs: Codecs, chunk: MakeChunk, change: dict[str, Any], sentence: str
) -> None:
    careless = RecordCodec(
        "audio_chunk", load_schemas(), max_value_bytes=99_999, max_items=999, resolver=NoRegistry()
    ).encode(audio_chunk.to_record(chunk(**change)))
    with pytest.raises(InvalidMessage) as refused:
        codecs.audio_chunks.decode(careless)
    assert refused.value.code is DeadLetterCode.INVALID_FIELD


def test_a_payload_larger_than_allowed_is_refused(chunk: MakeChunk) -> None:
    codec = load_codecs(Settings(audio=AudioSettings(max_payload_bytes=10))).audio_chunks
    codec.encode(chunk(payload=bytes(10)))
    with pytest.raises(InvalidMessage) as refused:
        codec.encode(chunk(payload=bytes(11)))
    assert refused.value.code is DeadLetterCode.PAYLOAD_TOO_LARGE


def test_a_value_larger_than_a_message_may_be_is_refused_before_it_is_decoded() -> None:
    codec = load_codecs(Settings(kafka=KafkaSettings(max_message_bytes=50))).audio_chunks
    with pytest.raises(InvalidMessage) as refused:
        codec.decode(bytes(51))
    assert refused.value.code is DeadLetterCode.PAYLOAD_TOO_LARGE


def test_the_bounds_are_settings(chunk: MakeChunk) -> None:
    strict = load_codecs(
        Settings(contracts=ContractSettings(max_id_chars=4, max_attributes=1, max_attribute_chars=2))
    ).audio_chunks
    strict.encode(chunk(attributes={"ab": "cd"}))
    for change in ({"tenant_id": "acmes"}, {"attributes": {"a": "", "b": ""}}, {"attributes": {"a": "bcd"}}):
        with pytest.raises(InvalidMessage):
            strict.encode(chunk(**change))


def test_the_last_chunk_of_a_stream_may_be_empty(codecs: Codecs, chunk: MakeChunk) -> None:
    last = chunk(payload=b"", end_of_stream=True)
    assert codecs.audio_chunks.decode(codecs.audio_chunks.encode(last)) == last


def test_instants_are_rounded_down_to_the_millisecond(codecs: Codecs, chunk: MakeChunk) -> None:
    written = chunk(captured_at=datetime(2026, 3, 1, 0, 0, 0, 1_999, tzinfo=UTC))
    read = codecs.audio_chunks.decode(codecs.audio_chunks.encode(written))
    assert read.captured_at == datetime(2026, 3, 1, 0, 0, 0, 1_000, tzinfo=UTC)


def test_a_writer_never_writes_an_encoding_that_does_not_exist(codecs: Codecs, chunk: MakeChunk) -> None:
    codec: AudioChunkCodec = codecs.audio_chunks
    for encoding in AudioEncoding:
        assert codec.decode(codec.encode(chunk(encoding=encoding))).encoding is encoding


@pytest.mark.parametrize("key", [None, b"", b"s/2"])
def test_a_chunk_must_be_keyed_by_its_stream(chunk: MakeChunk, key: bytes | None) -> None:
    audio_chunk.require_key(chunk(), b"s/1")
    with pytest.raises(InvalidMessage) as refused:
        audio_chunk.require_key(chunk(), key)
    assert refused.value.code is DeadLetterCode.KEY_MISMATCH


def test_a_refusal_never_quotes_the_message(codecs: Codecs, chunk: MakeChunk) -> None:
    with pytest.raises(InvalidMessage) as refused:
        codecs.audio_chunks.encode(chunk(attributes={"secret": "x" * 513}, tenant_id="hidden"))
    assert "secret" not in str(refused.value)
    good = codecs.audio_chunks.encode(chunk(tenant_id="hidden"))
    broken = good.replace(b"hidden", b"hidde\xff")
    with pytest.raises(InvalidMessage) as refused:
        codecs.audio_chunks.decode(broken)
    assert refused.value.code is DeadLetterCode.MALFORMED_AVRO
    assert "hidde" not in str(refused.value)
