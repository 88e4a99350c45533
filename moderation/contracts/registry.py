"""What is needed of a schema registry: from the id in a Confluent-framed message to the schema that wrote it."""

from collections.abc import Mapping
from typing import Any, Protocol


class SchemaResolver(Protocol):
    """Knows the schemas of a Confluent-compatible registry by their ids."""

    def schema(self, schema_id: int) -> Mapping[str, Any] | None:
        """The Avro schema with this id, or None when there is none.

        Called while a message is decoded, so it must answer from memory: it neither blocks nor does I/O.
        """
        ...


class NoRegistry:
    """The resolver where no registry is configured: every id is unknown."""

    def schema(self, schema_id: int) -> None:
        """None, always."""
