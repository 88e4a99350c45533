"""Unpacking compressed record batches up to a limit.

aiokafka unpacks whatever comes: a batch of 1 MB can hold gigabytes of zeros, and takes the worker along.
"""

import struct

import cramjam
from aiokafka.codec import snappy_decode

_CODEC_BITS = 0x07
_GZIP, _SNAPPY, _LZ4, _ZSTD = 1, 2, 3, 4
_STREAMED = {_GZIP: cramjam.gzip, _LZ4: cramjam.lz4, _ZSTD: cramjam.zstd}
LENGTH_AT, BEFORE_LENGTH = 8, 12
"""Where a batch has its length, and how many bytes that does not count. Source: KIP-98."""
_ATTRIBUTES_AT, _RECORDS_AT = 21, 61
_XERIAL_MAGIC, _XERIAL_HEADER = b"\x82SNAPPY\x00", 16
_FIRST_GUESS = 4
"""How many times larger than packed a batch is taken to be at first."""


class UnreadableBatch(Exception):
    """A batch that is too large unpacked, or that cannot be unpacked."""


def unpacked_batch(batch: bytes, limit_bytes: int) -> bytes:
    """The batch, its records uncompressed; its checksum is left as it was and does not fit any more.

    Raises:
        UnreadableBatch: its records take more than the limit, or cannot be unpacked.
    """
    (attributes,) = struct.unpack_from(">h", batch, _ATTRIBUTES_AT)
    codec = attributes & _CODEC_BITS
    if codec == 0:
        return batch
    records = _unpacked(codec, batch[_RECORDS_AT:], limit_bytes)
    whole = bytearray(batch[:_RECORDS_AT]) + records
    struct.pack_into(">h", whole, _ATTRIBUTES_AT, attributes & ~_CODEC_BITS)
    struct.pack_into(">i", whole, LENGTH_AT, len(whole) - BEFORE_LENGTH)
    return bytes(whole)


def _unpacked(codec: int, packed: bytes, limit_bytes: int) -> bytes:
    if codec in _STREAMED:
        return _streamed(codec, packed, limit_bytes)
    try:
        if codec == _SNAPPY and _snappy_size(packed) <= limit_bytes:
            return bytes(snappy_decode(packed))
    except (cramjam.DecompressionError, struct.error) as error:
        raise UnreadableBatch(type(error).__name__) from None
    raise UnreadableBatch(f"codec {codec}, or more than {limit_bytes} bytes")


def _streamed(codec: int, packed: bytes, limit_bytes: int) -> bytes:
    size = min(limit_bytes, max(_FIRST_GUESS * len(packed), 1 << 16))
    while True:
        room = bytearray(size)
        try:
            return bytes(room[: _STREAMED[codec].decompress_into(packed, room)])
        except cramjam.DecompressionError:
            # Too little room and broken data are told by the same error.
            if size >= limit_bytes:
                raise UnreadableBatch(f"broken, or more than {limit_bytes} bytes") from None
        size = min(limit_bytes, 2 * size)


def _snappy_size(packed: bytes) -> int:
    """What the blocks say that they unpack to; they cannot unpack to anything else."""
    if not packed.startswith(_XERIAL_MAGIC):
        return int(cramjam.snappy.decompress_raw_len(packed))
    size, at = 0, _XERIAL_HEADER
    while at < len(packed):
        (length,) = struct.unpack_from(">i", packed, at)
        if length <= 0:
            raise UnreadableBatch("a block without content")
        size += int(cramjam.snappy.decompress_raw_len(packed[at + 4 : at + 4 + length]))
        at += 4 + length
    return size
