"""Records of one event to bytes and back, whichever version of its schema wrote them."""

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import fastavro
import fastavro.schema

from moderation.contracts.catalogue import SchemaFile
from moderation.contracts.framing import confluent_header, fingerprint, read_header, single_object_header
from moderation.contracts.registry import SchemaResolver
from moderation.contracts.structure import compile_check
from moderation.errors import ConfigurationError, DeadLetterCode, InvalidMessage, InvariantViolation

Record = dict[str, Any]
"""A record as fastavro has it: field name to value; instants are aware datetimes."""


@dataclass(frozen=True, slots=True)
class _Writer:
    """A schema that messages are written with, ready to read them."""

    schema: Any
    check: Callable[[bytes, int], None]


class RecordCodec:
    """Bytes to records of one event and back. Schemas are parsed once, here.

    Writes the newest version in Avro single-object encoding, or in Confluent wire format when `writer_id` says which id
    the registry gave that version. Reads both, and every version of the catalogue; records come out as the newest
    version has them.
    """

    def __init__(
        self,
        event: str,
        files: Iterable[SchemaFile],
        *,
        max_value_bytes: int,
        max_items: int,
        resolver: SchemaResolver,
        writer_id: int | None = None,
    ) -> None:
        versions = sorted((file for file in files if file.event == event), key=lambda file: file.version)
        if not versions:
            raise InvariantViolation(f"there is no schema of {event}; install the package again")
        newest = versions[-1].schema
        self._event = event
        self._max_value_bytes = max_value_bytes
        self._max_items = max_items
        self._resolver = resolver
        self._reader = _parse(newest)
        self._name = self._reader["name"]
        self._header = single_object_header(newest) if writer_id is None else confluent_header(writer_id)
        self._by_fingerprint = {fingerprint(file.schema): self._writer(file.schema) for file in versions}
        # The newest schema reads its own messages without resolution, which is twice as fast.
        self._by_fingerprint[fingerprint(newest)] = _Writer(None, self._by_fingerprint[fingerprint(newest)].check)
        self._by_id: dict[int, _Writer] = {}

    def encode(self, record: Mapping[str, Any]) -> bytes:
        """The framed bytes of a record.

        Raises:
            InvalidMessage: a value does not fit its field (INVALID_FIELD), or the whole is too large
                (PAYLOAD_TOO_LARGE).
        """
        buffer = io.BytesIO()
        buffer.write(self._header)
        try:
            fastavro.schemaless_writer(buffer, self._reader, record)
        except (TypeError, ValueError, OverflowError, KeyError, AttributeError, LookupError):
            # The library's message quotes the value, which may be personal data.
            raise InvalidMessage(
                DeadLetterCode.INVALID_FIELD, f"a field of this {self._event} does not fit its schema"
            ) from None
        self._require_size(buffer.tell())
        return buffer.getvalue()

    def decode(self, value: bytes | None) -> Record:
        """The record in a message's value.

        Raises:
            InvalidMessage: the value is empty, too large, framed in no known way, written with a schema that is not of
                this event, or not what that schema writes. The message never quotes the value.
        """
        if not value:
            raise InvalidMessage(DeadLetterCode.EMPTY_VALUE, f"a message without a value where {self._event} belongs")
        self._require_size(len(value))
        schema_key, start = read_header(value)
        writer = self._by_fingerprint.get(schema_key) if isinstance(schema_key, bytes) else self._resolve(schema_key)
        if writer is None:
            raise self._unknown_schema(schema_key)
        writer.check(value, start)
        buffer = io.BytesIO(value)
        buffer.seek(start)
        return self._read(buffer, writer)

    def _read(self, buffer: io.BytesIO, writer: _Writer) -> Record:
        try:
            if writer.schema is None:
                record = fastavro.schemaless_reader(buffer, self._reader, None)
            else:
                record = fastavro.schemaless_reader(buffer, writer.schema, self._reader)
        except (TypeError, ValueError, LookupError, OverflowError, EOFError, fastavro.read.SchemaResolutionError):
            raise InvalidMessage(
                DeadLetterCode.MALFORMED_AVRO,
                f"the Avro body of this {self._event} cannot be decoded: a string is not UTF-8, an instant is out of "
                "range, or its schema cannot be resolved to ours",
            ) from None
        if not isinstance(record, dict):
            raise InvariantViolation(f"the schema of {self._event} must be a record")
        return record

    def _resolve(self, schema_id: int) -> _Writer | None:
        if (known := self._by_id.get(schema_id)) is not None:
            return known
        schema = self._resolver.schema(schema_id)
        # The name is looked at first: what is registered for another event is no concern of ours.
        if schema is None or _full_name(schema) != self._name:
            return None
        try:
            writer = self._writer(schema)
        except (ConfigurationError, fastavro.schema.SchemaParseException, fastavro.schema.UnknownType):
            # Whoever may register schemas must not be able to stop a worker with one.
            return None
        self._by_id[schema_id] = writer
        return writer

    def _writer(self, schema: Mapping[str, Any]) -> _Writer:
        parsed = _parse(schema)
        return _Writer(parsed, compile_check(parsed, max_items=self._max_items))

    def _require_size(self, size: int) -> None:
        if size > self._max_value_bytes:
            raise InvalidMessage(
                DeadLetterCode.PAYLOAD_TOO_LARGE,
                f"this {self._event} has {size} bytes and {self._max_value_bytes} are allowed "
                "(MODERATION_KAFKA__MAX_MESSAGE_BYTES)",
            )

    def _unknown_schema(self, key: bytes | int) -> InvalidMessage:
        which = f"fingerprint {key.hex()}" if isinstance(key, bytes) else f"registry id {key}"
        return InvalidMessage(
            DeadLetterCode.UNKNOWN_SCHEMA,
            f"no version of {self._event} that is known here has the {which}; update this application, or have the "
            "producer write a version that it knows",
        )


def _full_name(schema: Mapping[str, Any]) -> str:
    name, namespace = str(schema.get("name", "")), schema.get("namespace")
    return f"{namespace}.{name}" if namespace and "." not in name else name


def _parse(schema: Mapping[str, Any]) -> Any:
    # A fresh set of names: two versions of a schema define the same ones.
    return fastavro.parse_schema(dict(schema), named_schemas={})
