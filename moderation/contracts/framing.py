"""How a message says which schema wrote it.

Two framings are read. Avro single-object encoding (Avro 1.11 specification, "Single-object encoding"): C3 01, the
CRC-64-AVRO fingerprint of the schema's parsing canonical form in 8 bytes little-endian, the Avro body. Confluent wire
format: 00, the id of the schema in its registry in 4 bytes big-endian, the Avro body.
"""

from collections.abc import Mapping
from typing import Any

import fastavro.schema

from moderation.errors import DeadLetterCode, InvalidMessage

SINGLE_OBJECT_MARKER = b"\xc3\x01"
CONFLUENT_MARKER = b"\x00"
SINGLE_OBJECT_HEADER_BYTES = 10
CONFLUENT_HEADER_BYTES = 5

Fingerprint = bytes
"""CRC-64-AVRO of a schema's canonical form: 8 bytes, little-endian."""


def fingerprint(schema: Mapping[str, Any]) -> Fingerprint:
    """The fingerprint of a schema. Documentation, defaults and logical types do not enter it."""
    canonical = fastavro.schema.to_parsing_canonical_form(schema)
    return bytes.fromhex(fastavro.schema.fingerprint(canonical, "CRC-64-AVRO"))


def single_object_header(schema: Mapping[str, Any]) -> bytes:
    """What precedes the body of a message that `schema` writes: 10 bytes."""
    return SINGLE_OBJECT_MARKER + fingerprint(schema)


def confluent_header(schema_id: int) -> bytes:
    """What precedes the body of a message whose schema has this id in the registry: 5 bytes."""
    return CONFLUENT_MARKER + schema_id.to_bytes(4, "big")


def read_header(value: bytes) -> tuple[Fingerprint | int, int]:
    """Which schema wrote `value`, as a fingerprint or a registry id, and where its body begins.

    Raises:
        InvalidMessage: the value is framed in neither way (UNKNOWN_FRAMING).
    """
    if value[:2] == SINGLE_OBJECT_MARKER and len(value) >= SINGLE_OBJECT_HEADER_BYTES:
        return value[2:SINGLE_OBJECT_HEADER_BYTES], SINGLE_OBJECT_HEADER_BYTES
    if value[:1] == CONFLUENT_MARKER and len(value) >= CONFLUENT_HEADER_BYTES:
        return int.from_bytes(value[1:CONFLUENT_HEADER_BYTES], "big"), CONFLUENT_HEADER_BYTES
    raise InvalidMessage(
        DeadLetterCode.UNKNOWN_FRAMING,
        "the value starts neither as Avro single-object encoding (C3 01) nor as Confluent wire format (00); "
        "have the producer frame it as the README shows",
    )
