"""Record batches as aiokafka reads them, save for those at which it fails for good.

What aiokafka cannot read it raises for at every fetch, for this worker and for each that is started after it, and the
partition stands still until the message is deleted. Here

- a header name that is not UTF-8, as Kafka allows, is read with its odd bytes written as backslash and hex digits;
- a batch that is broken, or unpacks to more than a limit, is read as one record that says so (`UNREADABLE`), at the
  batch's first offset: it becomes a dead letter, and the partition goes on behind it.
"""

import struct
from collections.abc import Iterator
from functools import partial
from typing import Any

import structlog
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy, _DefaultRecordPy
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import decode_varint

from moderation.streaming.unpacking import BEFORE_LENGTH, LENGTH_AT, UnreadableBatch, unpacked_batch

log = structlog.get_logger(__name__)

UNREADABLE = "moderation-unreadable-batch"
"""Header of the record that stands for a batch; its value is the batch's first and last offset, `17 42`."""


def read_tolerantly(max_unpacked_bytes: int) -> None:
    """Have the consumers of this process read batches as told above."""
    fetcher.MemoryRecords = partial(TolerantRecords, max_unpacked_bytes=max_unpacked_bytes)


class TolerantRecords:
    """The batches of one fetch; the interface that aiokafka's fetcher uses of `MemoryRecords`."""

    def __init__(self, data: bytes, *, max_unpacked_bytes: int) -> None:
        self._data = data
        self._max_unpacked_bytes = max_unpacked_bytes
        self._at = 0
        self._records = MemoryRecords(data)

    def size_in_bytes(self) -> int:
        """How much was fetched."""
        return len(self._data)

    def has_next(self) -> bool:
        """Whether a whole batch is left; the last one of a fetch may be cut."""
        return bool(self._records.has_next())

    def next_batch(self) -> Any:
        """The next batch, None after the last."""
        batch = self._records.next_batch()
        if batch is None:
            return None
        (length,) = struct.unpack_from(">i", self._data, self._at + LENGTH_AT)
        begin, self._at = self._at, self._at + BEFORE_LENGTH + length
        if not isinstance(batch, DefaultRecordBatch):
            return batch  # a format without headers
        return TolerantBatch(batch, self._data[begin : self._at], self._max_unpacked_bytes)


class TolerantBatch:
    """A batch of records; everything but iteration is aiokafka's."""

    def __init__(self, batch: Any, data: bytes, max_unpacked_bytes: int) -> None:
        self._batch = batch
        self._data = data
        self._max_unpacked_bytes = max_unpacked_bytes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        try:
            data = unpacked_batch(self._data, self._max_unpacked_bytes)
            return iter(_records(data))
        except (UnreadableBatch, CorruptRecordException, ValueError, IndexError, struct.error) as error:
            return iter([self._stand_in(error)])

    def _stand_in(self, error: Exception) -> _DefaultRecordPy:
        batch = self._batch
        log.warning("batch_unreadable", error=type(error).__name__, first=batch.base_offset, packed=len(self._data))
        headers = [(UNREADABLE, f"{batch.base_offset} {batch.next_offset - 1}".encode())]
        return _DefaultRecordPy(batch.base_offset, batch.max_timestamp, batch.timestamp_type, None, None, headers)


def _records(data: bytes) -> list[Any]:
    try:
        return list(DefaultRecordBatch(data))
    except UnicodeDecodeError:
        return list(_Lenient(data))


class _Lenient(_DefaultRecordBatchPy):  # type: ignore[misc]  # final for type checkers only
    """Reads what the compiled reader refuses."""

    _pos: int

    def _read_msg(self, *_: Any) -> _DefaultRecordPy:
        try:
            return super()._read_msg()
        except UnicodeDecodeError:
            return self._read_leniently()

    def _read_leniently(self) -> _DefaultRecordPy:
        """The record at the current position; the layout is in `_DefaultRecordBatchPy._read_msg`."""
        at = self._pos
        _, at = decode_varint(self._buffer, at)
        _, at = decode_varint(self._buffer, at)
        ts_delta, at = decode_varint(self._buffer, at)
        is_log_append = self.timestamp_type == self.LOG_APPEND_TIME
        offset_delta, at = decode_varint(self._buffer, at)
        key, at = self._nullable(at)
        value, at = self._nullable(at)
        count, at = decode_varint(self._buffer, at)
        headers = []
        for _ in range(count):
            name, at = self._nullable(at)
            content, at = self._nullable(at)
            headers.append(((name or b"").decode("utf-8", "backslashreplace"), content))
        self._pos = at
        return _DefaultRecordPy(
            self.base_offset + offset_delta,
            self.max_timestamp if is_log_append else self.first_timestamp + ts_delta,
            self.timestamp_type,
            key,
            value,
            headers,
        )

    def _nullable(self, at: int) -> tuple[bytes | None, int]:
        length, at = decode_varint(self._buffer, at)
        return (None, at) if length < 0 else (bytes(self._buffer[at : at + length]), at + length)
