"""What hostile bytes may not do. Each case is one that fastavro by itself accepts, or pays for dearly."""

from typing import Any

import fastavro
import pytest

from moderation.contracts.structure import compile_check, read_long
from moderation.errors import ConfigurationError, DeadLetterCode, InvalidMessage


def _long(number: int) -> bytes:
    coded = ((number << 1) ^ (number >> 63)) & (1 << 64) - 1
    encoded = bytearray()
    while coded > 0x7F:
        encoded.append(coded & 0x7F | 0x80)
        coded >>= 7
    return bytes([*encoded, coded])


def _check(schema: Any, value: bytes, max_items: int = 10) -> None:
    compile_check(fastavro.parse_schema(schema), max_items=max_items)(value, 0)


ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
MAP = {"type": "map", "values": "string"}
LONGS = {"type": "array", "items": "long"}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "bytes"}, _long(2**62) + b"abc"),
        ({"type": "bytes"}, _long(-3) + b"abc"),
        ({"type": "string"}, _long(4) + b"abc"),
        ({"type": "string"}, _long(2) + b"abc"),
        ({"type": "long"}, b""),
        ({"type": "long"}, b"\x80" * 50_000 + b"\x01"),
        ({"type": "long"}, b"\xff" * 9 + b"\x02"),
        ({"type": "long"}, b"\x80\x80"),
        ({"type": "int"}, _long(2**31)),
        ({"type": "int"}, _long(-(2**31) - 1)),
        ({"type": "boolean"}, b"\x02"),
        ({"type": "double"}, bytes(7)),
        ({"type": "float"}, bytes(5)),
        ({"type": "fixed", "name": "F", "size": 3}, bytes(2)),
        (ENUM, _long(-1)),
        (ENUM, _long(2)),
        (["null", "string"], _long(-1) + _long(1) + b"a"),
        (["null", "string"], _long(2)),
        (MAP, _long(3) + _long(1) + b"a"),
        (MAP, _long(1) + _long(1) + b"a" + _long(1) + b"b"),
        (LONGS, _long(1) + _long(5) + b"\0\0"),
    ],
    ids=str,
)
def test_bytes_that_no_writer_writes_are_malformed(schema: Any, value: bytes) -> None:
    with pytest.raises(InvalidMessage) as refused:
        _check(schema, value)
    assert refused.value.code is DeadLetterCode.MALFORMED_AVRO


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "long"}, _long(2**63 - 1)),
        ({"type": "long"}, _long(-(2**63))),
        ({"type": "int"}, _long(-(2**31))),
        ({"type": "boolean"}, b"\x01"),
        ({"type": "null"}, b""),
        (ENUM, _long(1)),
        (["null", "string"], _long(1) + _long(2) + b"ab"),
        (MAP, b"\0"),
        (MAP, _long(2) + (_long(1) + b"a") * 4 + b"\0"),
        (MAP, _long(-2) + _long(8) + (_long(1) + b"a") * 4 + b"\0"),
        (LONGS, _long(1) + _long(5) + _long(1) + _long(6) + b"\0"),
        ({"type": "fixed", "name": "F", "size": 3}, bytes(3)),
    ],
    ids=str,
)
def test_bytes_that_a_writer_may_write_pass(schema: Any, value: bytes) -> None:
    _check(schema, value)


@pytest.mark.parametrize("count", [11, 2**60, -11, -(2**63)])
def test_a_list_longer_than_allowed_is_refused_before_it_is_walked(count: int) -> None:
    with pytest.raises(InvalidMessage) as refused:
        _check(LONGS, _long(count) + bytes(50))
    assert refused.value.code is DeadLetterCode.INVALID_FIELD


def test_items_are_counted_over_all_blocks() -> None:
    block = _long(4) + bytes(4)
    _check(LONGS, block * 2 + b"\0")
    with pytest.raises(InvalidMessage):
        _check(LONGS, block * 3 + b"\0")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": "null"},
        {"type": "array", "items": {"type": "record", "name": "Empty", "fields": []}},
        {"type": "record", "name": "R", "fields": [{"name": "next", "type": ["null", "R"]}]},
    ],
    ids=str,
)
def test_schemas_that_let_a_small_message_grow_without_bound_are_refused(schema: Any) -> None:
    with pytest.raises(ConfigurationError):
        _check(schema, b"\0")


def test_a_named_type_that_is_used_twice_is_walked_twice() -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "a", "type": ENUM}, {"name": "b", "type": "E"}]}
    _check(schema, _long(1) + _long(0))
    with pytest.raises(InvalidMessage):
        _check(schema, _long(1) + _long(2))


def test_numbers_are_read_as_the_specification_gives_them() -> None:
    examples = {0: "00", -1: "01", 1: "02", -2: "03", 2: "04", -64: "7f", 64: "8001"}
    for number, encoded in examples.items():
        data = bytes.fromhex(encoded)
        assert read_long(data, 0) == (number, len(data))
