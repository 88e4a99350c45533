"""Ogg files by hand, also such as no encoder would write. Sources: RFC 3533, RFC 7845."""

import struct

_CRC = []
for _byte in range(256):
    _value = _byte << 24
    for _ in range(8):
        _value = (_value << 1) ^ (0x04C11DB7 if _value & 0x80000000 else 0)
    _CRC.append(_value & 0xFFFFFFFF)


def page(body: bytes, lacing: bytes, *, sequence: int, flags: int = 0, granule: int = 0, serial: int = 7) -> bytes:
    """One page."""
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, granule, serial, sequence, 0, len(lacing)) + lacing
    whole = head + body
    crc = 0
    for byte in whole:
        crc = ((crc << 8) & 0xFFFFFFFF) ^ _CRC[(crc >> 24) ^ byte]
    return whole[:22] + struct.pack("<I", crc) + whole[26:]


def packets(*bodies: bytes, sequence: int, flags: int = 0, granule: int = 0, serial: int = 7) -> bytes:
    """Short packets (each under 255 bytes) on one page."""
    lacing = bytes(map(len, bodies))
    return page(b"".join(bodies), lacing, sequence=sequence, flags=flags, granule=granule, serial=serial)


def opus_head(serial: int = 7) -> bytes:
    """The first page of an Opus track, mono."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 0, 48_000, 0, 0)
    return packets(head, sequence=0, flags=2, serial=serial)


def opus_tags(tags: bytes = struct.pack("<II", 0, 0)) -> bytes:
    """The second page."""
    return packets(b"OpusTags" + tags, sequence=1)


def large_packet(body: bytes, first_sequence: int) -> bytes:
    """A packet of any length, over as many pages as it takes."""
    lacing = b"\xff" * (len(body) // 255) + bytes([len(body) % 255])
    pages = []
    for number, start in enumerate(range(0, len(lacing), 255)):
        part = body[start * 255 : (start + 255) * 255]
        is_last = start + 255 >= len(lacing)
        pages.append(
            page(
                part,
                lacing[start : start + 255],
                sequence=first_sequence + number,
                flags=1 if number else 0,
                granule=0 if is_last else -1,
            )
        )
    return b"".join(pages)
