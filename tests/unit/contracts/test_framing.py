"""How a message says which schema wrote it."""

from typing import Any

import pytest

from moderation.contracts.codecs import Codecs, load_codecs
from moderation.contracts.framing import confluent_header, fingerprint, read_header, single_object_header
from moderation.errors import ConfigurationError, DeadLetterCode, InvalidMessage
from moderation.settings import SchemaRegistrySettings, Settings


def _rabin(data: bytes) -> int:
    """CRC-64-AVRO as the Avro specification gives it, written independently of the library."""
    empty = 0xC15D213AA4D7A795
    result = empty
    for byte in data:
        result ^= byte
        for _ in range(8):
            result = (result >> 1) ^ (empty & -(result & 1))
    return result


def test_the_fingerprint_is_the_specifications_little_endian() -> None:
    schema: dict[str, Any] = {"type": "record", "name": "A", "doc": "x", "fields": [{"name": "n", "type": "long"}]}
    canonical = b'{"name":"A","type":"record","fields":[{"name":"n","type":"long"}]}'
    assert fingerprint(schema) == _rabin(canonical).to_bytes(8, "little")


def test_the_fingerprint_of_int_is_the_published_one() -> None:
    assert fingerprint({"type": "int"}) == (0x7275D51A3F395C8F).to_bytes(8, "little")


def test_a_single_object_header_is_ten_bytes() -> None:
    header = single_object_header({"type": "int"})
    assert header[:2] == b"\xc3\x01"
    assert read_header(header + b"body") == (header[2:], 10)


def test_a_confluent_header_is_five_bytes_big_endian() -> None:
    assert confluent_header(258) == b"\x00\x00\x00\x01\x02"
    assert read_header(confluent_header(258) + b"body") == (258, 5)


@pytest.mark.parametrize("value", [b"{}", b"\xc3", b"\xc3\x02" + bytes(20), b"\xc3\x01\x00", b"\x00\x01", b"Obj\x01"])
def test_other_framings_are_refused(codecs: Codecs, value: bytes) -> None:
    with pytest.raises(InvalidMessage) as refused:
        codecs.audio_chunks.decode(value)
    assert refused.value.code is DeadLetterCode.UNKNOWN_FRAMING


@pytest.mark.parametrize("value", [None, b""])
def test_an_empty_value_is_refused(codecs: Codecs, value: bytes | None) -> None:
    with pytest.raises(InvalidMessage) as refused:
        codecs.audio_chunks.decode(value)
    assert refused.value.code is DeadLetterCode.EMPTY_VALUE


@pytest.mark.parametrize("header", [b"\xc3\x01" + bytes(8), b"\x00" + bytes(4)])
def test_an_unknown_schema_is_refused(codecs: Codecs, header: bytes) -> None:
    with pytest.raises(InvalidMessage) as refused:
        codecs.audio_chunks.decode(header + b"body")
    assert refused.value.code is DeadLetterCode.UNKNOWN_SCHEMA


def test_an_event_of_another_kind_is_an_unknown_schema(codecs: Codecs, chunk: Any) -> None:
    with pytest.raises(InvalidMessage) as refused:
        codecs.transcripts.decode(codecs.audio_chunks.encode(chunk()))
    assert refused.value.code is DeadLetterCode.UNKNOWN_SCHEMA


def test_a_registry_in_the_settings_is_refused_while_there_is_no_client_for_it() -> None:
    with pytest.raises(ConfigurationError, match="SCHEMA_REGISTRY__URL"):
        load_codecs(Settings(schema_registry=SchemaRegistrySettings(url="http://registry:8081")))
