import struct

import pytest
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c

from loadtest.hostile_batches import batch_of
from loadtest.hostile_forge import Envelope
from moderation.clock import SystemClock
from moderation.contracts.codecs import load_codecs
from moderation.errors import DeadLetterCode, InvalidMessage
from moderation.settings import Settings
from moderation.streaming.messages import received_chunk
from moderation.streaming.received import RawMessage
from moderation.streaming.tolerant_records import UNREADABLE, TolerantRecords

PLAIN = Envelope(place="p", key=b"k", value=b"v", headers=(("name", b"x"), ("name", None)), timestamp_ms=7)
ODD = Envelope(place="p", key=None, value=None, headers=(("\udcff\udcfe", b"y"), ("after", b"z")), timestamp_ms=8)


LIMIT = 1_000_000


def read(data: bytes) -> list[tuple[object, ...]]:
    records, found = TolerantRecords(data, max_unpacked_bytes=LIMIT), []
    while records.has_next():
        batch = records.next_batch()
        assert batch.validate_crc()
        found += [(r.offset, r.timestamp, r.key, r.value, list(r.headers)) for r in batch]
    assert records.next_batch() is None
    return found


def test_a_header_name_that_is_not_text_stops_aiokafka() -> None:
    with pytest.raises(UnicodeDecodeError):
        list(MemoryRecords(bytes(batch_of([ODD], 0)._build())).next_batch())


def test_a_header_name_that_is_not_text_is_read_with_its_neighbours() -> None:
    found = read(bytes(batch_of([PLAIN, ODD, PLAIN], 0)._build()))
    assert found[0] == (0, 7, b"k", b"v", [("name", b"x"), ("name", None)])
    offset, timestamp, key, value, ((name, content), after) = found[1]
    assert (offset, timestamp, key, value) == (1, 8, None, None)
    assert name.startswith("\\xff\\xfe")
    assert (content, after) == (b"y", ("after", b"z"))
    assert found[2][0] == 2


@pytest.mark.parametrize("compression", range(5))
def test_other_batches_are_read_as_ever_one_after_another(compression: int) -> None:
    data = bytes(batch_of([PLAIN, PLAIN], compression)._build() + batch_of([PLAIN], 0)._build())
    assert [item[0] for item in read(data)] == [0, 1, 0]


def test_a_batch_that_was_cut_by_the_fetch_is_left_out() -> None:
    whole = bytes(batch_of([PLAIN], 0)._build())
    assert len(read(whole + whole[:-1])) == 1


def test_a_batch_of_an_older_format_is_left_to_aiokafka() -> None:
    builder = LegacyRecordBatchBuilder(1, 0, 1000)
    builder.append(0, timestamp=5, key=b"k", value=b"v")
    records = TolerantRecords(bytes(builder.build()), max_unpacked_bytes=LIMIT)
    assert [(r.key, r.value) for r in records.next_batch()] == [(b"k", b"v")]


def of_size(size: int, count: int) -> list[Envelope]:
    return [Envelope(place="p", key=b"k", value=bytes(size), headers=(), timestamp_ms=7)] * count


@pytest.mark.parametrize("compression", [1, 2, 3, 4])
def test_a_batch_that_unpacks_to_too_much_is_told_as_one_record_and_the_next_is_read(compression: int) -> None:
    bomb = bytes(batch_of(of_size(LIMIT // 2, 3), compression)._build())
    assert len(bomb) < LIMIT / 5
    told, after = read(bomb + bytes(batch_of([PLAIN], 0)._build()))
    assert told[0] == 0
    assert told[3:] == (None, [(UNREADABLE, b"0 2")])
    assert after[2:4] == (b"k", b"v")


@pytest.mark.parametrize("compression", [1, 2, 3, 4])
def test_a_batch_just_below_the_limit_is_read(compression: int) -> None:
    assert len(read(bytes(batch_of(of_size(LIMIT // 3, 2), compression)._build()))) == 2


@pytest.mark.parametrize("compression", range(5))
def test_a_broken_batch_with_a_checksum_that_fits_is_told_as_one_record(compression: int) -> None:
    whole = bytearray(batch_of([PLAIN, PLAIN], compression)._build())
    whole[61:75] = b"\xff" * 14
    struct.pack_into(">I", whole, 17, calc_crc32c(bytes(whole[21:])))
    ((offset, _, _, value, headers),) = read(bytes(whole))
    assert (offset, value, headers[0][0]) == (0, None, UNREADABLE)


@pytest.mark.parametrize(("offsets", "told"), [(b"17 42", "17 to 42"), (b"he said it", "a batch of records")])
def test_an_unreadable_batch_becomes_a_dead_letter_that_names_its_offsets(offsets: bytes, told: str) -> None:
    message = RawMessage(
        topic="t", partition=0, offset=17, timestamp=None, key=None, value=None, headers=((UNREADABLE, offsets),)
    )
    with pytest.raises(InvalidMessage, match=told) as refused:
        received_chunk(message, load_codecs(Settings()), SystemClock())
    assert refused.value.code is DeadLetterCode.UNREADABLE_BATCH
    assert "he said" not in refused.value.sentence
