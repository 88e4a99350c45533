import pytest
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from loadtest.hostile_batches import batch_of
from loadtest.hostile_forge import Envelope
from moderation.streaming.tolerant_records import TolerantRecords

PLAIN = Envelope(place="p", key=b"k", value=b"v", headers=(("name", b"x"), ("name", None)), timestamp_ms=7)
ODD = Envelope(place="p", key=None, value=None, headers=(("\udcff\udcfe", b"y"), ("after", b"z")), timestamp_ms=8)


def read(data: bytes) -> list[tuple[object, ...]]:
    records, found = TolerantRecords(data), []
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
    assert [(r.key, r.value) for r in TolerantRecords(bytes(builder.build())).next_batch()] == [(b"k", b"v")]
