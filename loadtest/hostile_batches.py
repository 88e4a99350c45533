"""Hostile messages as Kafka record batches, compressed in every way in turn."""

import struct
from collections.abc import Sequence

from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.util import calc_crc32c

from loadtest.hostile_forge import Envelope

COMPRESSIONS = tuple(range(5))
"""Kafka's codec numbers: none, gzip, snappy, lz4, zstd."""

_UNBOUNDED = 1 << 30
_CRC_AT, _ATTRIBUTES_AT = 17, 21
"""Where a record batch (magic 2) has its checksum, and the first byte that it covers. Source: KIP-98."""

_PLACEHOLDER = "hostile-header-name-{:010d}"

Names = list[tuple[bytes, bytes]]
"""Placeholder to the name that belongs there, of the same length."""


class PatchedBatch(BatchBuilder):  # type: ignore[misc]  # aiokafka has no types
    """A batch whose header names need not be text, as Kafka's own do not."""

    def __init__(self, compression: int) -> None:
        super().__init__(_UNBOUNDED, compression)
        self._names: Names = []

    def add(self, envelope: Envelope) -> None:
        """Append a message."""
        headers = [(self._writable(name), value) for name, value in envelope.headers]
        self.append(timestamp=envelope.timestamp_ms, key=envelope.key, value=envelope.value, headers=headers)

    def _writable(self, name: str) -> str:
        if name.isascii() or not _is_broken(name):
            return name
        placeholder = _PLACEHOLDER.format(len(self._names))
        broken = name.encode("utf-8", "surrogateescape").ljust(len(placeholder), b"\xff")
        self._names.append((placeholder.encode(), broken[: len(placeholder)]))
        return placeholder

    def _build(self) -> bytearray:
        is_new = self._buffer is None
        buffer: bytearray = super()._build()
        if is_new and self._names:
            patch_names(buffer, self._names)
        return buffer


def patch_names(buffer: bytearray, names: Names) -> None:
    """Replace the placeholders in an uncompressed batch, and correct its checksum."""
    for placeholder, name in names:
        at = buffer.index(placeholder)
        buffer[at : at + len(name)] = name
    crc = calc_crc32c(bytes(buffer[_ATTRIBUTES_AT:]))
    struct.pack_into(">I", buffer, _CRC_AT, crc)


def batch_of(envelopes: Sequence[Envelope], compression: int) -> PatchedBatch:
    """One batch of the messages, in their order; uncompressed where a header name is not text."""
    has_broken = any(_is_broken(name) for envelope in envelopes for name, _ in envelope.headers)
    batch = PatchedBatch(0 if has_broken else compression)
    for envelope in envelopes:
        batch.add(envelope)
    return batch


def _is_broken(name: str) -> bool:
    return any("\udc80" <= letter <= "\udcff" for letter in name)
