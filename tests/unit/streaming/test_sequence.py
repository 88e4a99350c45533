from datetime import UTC, datetime, timedelta

from moderation.events import AudioChunk, AudioEncoding
from moderation.streaming.sequence import Arrival, SequenceTracker

START = datetime(2026, 1, 1, tzinfo=UTC)


def chunk(sequence: int, *, later: timedelta = timedelta(0)) -> AudioChunk:
    return AudioChunk(
        tenant_id="t",
        session_id="s",
        stream_id="m",
        speaker_id="p",
        sequence=sequence,
        captured_at=START + timedelta(milliseconds=200 * sequence) + later,
        encoding=AudioEncoding.PCM_S16LE,
        sample_rate_hz=16_000,
        channels=1,
        payload=b"",
    )


def arrivals(*sequences: int) -> list[tuple[Arrival, int]]:
    tracker = SequenceTracker()
    return [(o.arrival, o.missing) for o in (tracker.observe(chunk(s)) for s in sequences)]


def test_a_stream_may_be_joined_at_any_sequence() -> None:
    assert arrivals(40, 41) == [(Arrival.NEXT, 0), (Arrival.NEXT, 0)]


def test_missing_chunks_are_counted() -> None:
    assert arrivals(0, 4, 5) == [(Arrival.NEXT, 0), (Arrival.GAP, 3), (Arrival.NEXT, 0)]


def test_what_was_already_processed_is_a_duplicate() -> None:
    assert arrivals(3, 4, 3, 4, 5) == [
        (Arrival.NEXT, 0),
        (Arrival.NEXT, 0),
        (Arrival.DUPLICATE, 0),
        (Arrival.DUPLICATE, 0),
        (Arrival.NEXT, 0),
    ]


def test_a_stream_id_that_is_used_again_begins_a_new_stream() -> None:
    tracker = SequenceTracker()
    tracker.observe(chunk(10))
    assert tracker.observe(chunk(0, later=timedelta(hours=1))).arrival is Arrival.RESTART
    assert tracker.observe(chunk(1, later=timedelta(hours=1))).arrival is Arrival.NEXT
