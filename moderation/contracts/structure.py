"""A strict walk over an Avro body before fastavro decodes it.

fastavro trusts its input in ways that hostile bytes can use: a negative index of a union or an enum picks from the end
of the list, a boolean may be any byte, a varint may go on for megabytes, whatever follows the record is ignored, and a
map of a million entries is built before anyone can count it. The walk refuses all of that, and costs no allocation.
Source of the encoding: Avro 1.11 specification, "Binary encoding".
"""

from collections.abc import Callable, Mapping
from typing import Any

from moderation.errors import ConfigurationError, DeadLetterCode, InvalidMessage

Step = Callable[[bytes, int], int]
"""Walks one value that begins at a position, and returns where the next begins. May raise IndexError past the end."""


def compile_check(schema: Mapping[str, Any], *, max_items: int) -> Callable[[bytes, int], None]:
    """A function that refuses (MALFORMED_AVRO) what `schema`, parsed by fastavro, cannot have written.

    It is given a value and the position at which the body begins. A list or map with more than `max_items` items is
    refused as INVALID_FIELD. Whether strings are UTF-8 is left to fastavro.

    Raises:
        ConfigurationError: the schema is recursive, or has lists whose items take no bytes: both let a small message
            grow without bound.
    """
    walk = _Compiler(max_items).step(schema)

    def check(value: bytes, start: int) -> None:
        try:
            end = walk(value, start)
        except IndexError:
            raise _malformed("it ends early") from None
        if end > len(value):
            raise _malformed("it ends early")
        if end < len(value):
            raise _malformed("bytes follow its end")

    return check


def read_long(value: bytes, at: int) -> tuple[int, int]:
    """The zig-zag varint at a position, and where the next value begins.

    Raises:
        InvalidMessage: it does not fit 64 bits (MALFORMED_AVRO).
        IndexError: it goes on past the end.
    """
    byte = value[at]
    at += 1
    if byte < 0x80:
        return (byte >> 1) ^ -(byte & 1), at
    number = byte & 0x7F
    for shift in range(7, 70, 7):
        byte = value[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            if number >> 64:
                break
            return (number >> 1) ^ -(number & 1), at
    raise _malformed("a number exceeds 64 bits")


class _Compiler:
    """Turns a parsed schema into steps. Named types are compiled once and looked up by their full name."""

    def __init__(self, max_items: int) -> None:
        self._max_items = max_items
        self._named: dict[str, tuple[Step, int]] = {}

    def step(self, schema: Any) -> Step:
        """The step that walks a value of `schema`."""
        return self._compile(schema)[0]

    def _compile(self, schema: Any) -> tuple[Step, int]:
        """The step of a schema, and the fewest bytes that a value takes."""
        if isinstance(schema, list):
            return self._union(schema), 1
        kind = schema if isinstance(schema, str) else schema["type"]
        if kind in ("array", "map"):
            return self._collection(schema), 1
        if kind in ("record", "enum", "fixed"):
            return self._define(schema)
        known = _PRIMITIVES.get(kind) or self._named.get(kind)
        if known is None:
            raise ConfigurationError(f"a schema is recursive or uses the type {kind}, which is not supported")
        return known

    def _define(self, schema: Mapping[str, Any]) -> tuple[Step, int]:
        match schema["type"]:
            case "enum":
                compiled: tuple[Step, int] = _index(len(schema["symbols"])), 1
            case "fixed":
                compiled = _skip(schema["size"]), schema["size"]
            case _:
                fields = [self._compile(field["type"]) for field in schema["fields"]]
                compiled = _sequence([step for step, _ in fields]), sum(least for _, least in fields)
        self._named[schema["name"]] = compiled
        return compiled

    def _union(self, branches: list[Any]) -> Step:
        steps = [self.step(branch) for branch in branches]
        read_index = _read_index(len(steps))

        def union(value: bytes, at: int) -> int:
            index, at = read_index(value, at)
            return steps[index](value, at)

        return union

    def _collection(self, schema: Mapping[str, Any]) -> Step:
        is_map = schema["type"] == "map"
        item, least = self._compile(schema["values" if is_map else "items"])
        if is_map:
            item = _sequence([_length_prefixed, item])
        elif least == 0:
            raise ConfigurationError("a schema has a list whose items take no bytes, which is not supported")
        return _blocks(item, self._max_items)


def _blocks(item: Step, max_items: int) -> Step:
    """Blocks of items, each with its count, ended by an empty one; a negative count is followed by a size in bytes."""

    def blocks(value: bytes, at: int) -> int:
        budget = max_items
        while True:
            count, at = read_long(value, at)
            if count == 0:
                return at
            if count < 0:
                count = -count
                _, at = read_long(value, at)
            budget -= count
            if budget < 0:
                raise InvalidMessage(
                    DeadLetterCode.INVALID_FIELD, f"a list or map holds more than the {max_items} items allowed"
                )
            for _ in range(count):
                at = item(value, at)

    return blocks


def _sequence(steps: list[Step]) -> Step:
    def sequence(value: bytes, at: int) -> int:
        for step in steps:
            at = step(value, at)
        return at

    return sequence


def _read_index(size: int) -> Callable[[bytes, int], tuple[int, int]]:
    def read_index(value: bytes, at: int) -> tuple[int, int]:
        index, at = read_long(value, at)
        if not 0 <= index < size:
            raise _malformed("a choice among types or symbols does not exist")
        return index, at

    return read_index


def _index(size: int) -> Step:
    read_index = _read_index(size)
    return lambda value, at: read_index(value, at)[1]


def _skip(size: int) -> Step:
    return lambda _, at: at + size


def _boolean(value: bytes, at: int) -> int:
    if value[at] > 1:
        raise _malformed("a boolean is neither 0 nor 1")
    return at + 1


def _int(value: bytes, at: int) -> int:
    number, at = read_long(value, at)
    if not -(1 << 31) <= number < 1 << 31:
        raise _malformed("an int exceeds 32 bits")
    return at


def _long(value: bytes, at: int) -> int:
    return read_long(value, at)[1]


def _length_prefixed(value: bytes, at: int) -> int:
    length, at = read_long(value, at)
    if length < 0:
        raise _malformed("a length is negative")
    return at + length


def _malformed(what: str) -> InvalidMessage:
    return InvalidMessage(DeadLetterCode.MALFORMED_AVRO, f"the Avro body does not fit its schema: {what}")


_PRIMITIVES: Mapping[str, tuple[Step, int]] = {
    "null": (_skip(0), 0),
    "boolean": (_boolean, 1),
    "int": (_int, 1),
    "long": (_long, 1),
    "float": (_skip(4), 4),
    "double": (_skip(8), 8),
    "bytes": (_length_prefixed, 1),
    "string": (_length_prefixed, 1),
}
"""The step of each primitive type, and the fewest bytes that a value takes."""
