"""The order in which the chunks of a stream are served, and what each of them is called."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from support.streaming import START, a_mark, audio_chunk

from moderation.events import AudioChunk
from moderation.streaming.ordering import Arrival, StreamOrder


def chunk(sequence: int, *, later: timedelta = timedelta(0), payload: bytes | None = None) -> AudioChunk:
    captured_at = START + timedelta(milliseconds=200 * sequence) + later
    return audio_chunk(sequence, payload or b"%d" % sequence, captured_at=captured_at)


def served(order: StreamOrder[int], *sequences: int, first_offset: int = 100) -> list[tuple[int, Arrival, int]]:
    """What is served of chunks that come in this order."""
    return [
        (ordered.item, ordered.arrival, ordered.missing)
        for offset, sequence in enumerate(sequences, first_offset)
        for ordered in order.take(chunk(sequence), sequence, offset=offset)
    ]


def test_chunks_in_order_are_served_at_once() -> None:
    assert served(StreamOrder(window=2), 0, 1, 2) == [(n, Arrival.NEXT, 0) for n in range(3)]


def test_swapped_chunks_are_served_in_their_order() -> None:
    assert served(StreamOrder(window=2), 0, 2, 1, 3) == [
        (0, Arrival.NEXT, 0),
        (1, Arrival.NEXT, 0),
        (2, Arrival.REORDERED, 0),
        (3, Arrival.NEXT, 0),
    ]


def test_a_missing_chunk_is_given_up_when_the_window_is_full() -> None:
    order = StreamOrder[int](window=2)
    assert served(order, 0, 4, 5) == [(0, Arrival.NEXT, 0)]
    assert order.is_waiting
    assert served(order, 6) == [(4, Arrival.GAP, 3), (5, Arrival.REORDERED, 0), (6, Arrival.REORDERED, 0)]
    assert not order.is_waiting


def test_what_waits_is_served_when_nothing_more_is_expected() -> None:
    order = StreamOrder[int](window=2)
    served(order, 0, 3)
    assert [(o.item, o.arrival, o.missing) for o in order.give_up_waiting()] == [(3, Arrival.GAP, 2)]


def test_without_a_window_a_gap_is_passed_at_once() -> None:
    assert served(StreamOrder(window=0), 0, 2) == [(0, Arrival.NEXT, 0), (2, Arrival.GAP, 1)]


def test_a_copy_is_skipped_and_another_chunk_of_the_same_number_is_late() -> None:
    order = StreamOrder[int](window=0)
    served(order, 0, 1, 2)
    assert served(order, 1) == [(1, Arrival.DUPLICATE, 0)]
    ((other),) = order.take(chunk(1, payload=b"something else"), 1, offset=200)
    assert other.arrival is Arrival.LATE


def test_a_chunk_that_was_given_up_is_late() -> None:
    order = StreamOrder[int](window=0)
    served(order, 0, 2)
    assert served(order, 1) == [(1, Arrival.LATE, 0)]


def test_two_chunks_of_one_number_that_wait_are_told_apart() -> None:
    order = StreamOrder[int](window=2)
    served(order, 0, 2)
    assert [o.arrival for o in order.take(chunk(2), 2, offset=9)] == [Arrival.DUPLICATE]
    assert [o.arrival for o in order.take(chunk(2, payload=b"x"), 2, offset=10)] == [Arrival.LATE]


def test_a_stream_id_that_is_used_again_begins_a_new_stream() -> None:
    order = StreamOrder[int](window=2)
    served(order, 0, 1, 2)
    ((again),) = order.take(chunk(0, later=timedelta(hours=1)), 0, offset=200)
    assert again.arrival is Arrival.RESTART
    assert [o.arrival for o in order.take(chunk(1, later=timedelta(hours=1)), 1, offset=201)] == [Arrival.NEXT]


def test_a_stream_that_goes_on_behind_its_end_is_heard_and_counted() -> None:
    order = StreamOrder[int](window=2)
    served(order, 0, 1)
    order.end()
    assert served(order, 2, 3) == [(2, Arrival.AFTER_END, 0), (3, Arrival.NEXT, 0)]


def test_a_stream_joined_in_its_middle_waits_lest_the_commit_fell_between_swapped_chunks() -> None:
    order = StreamOrder[int](window=2)
    assert served(order, 41, 40) == []
    assert served(order, 42) == [(40, Arrival.NEXT, 0), (41, Arrival.REORDERED, 0), (42, Arrival.REORDERED, 0)]


def test_what_a_mark_says_is_needed_is_served_again_at_once() -> None:
    mark = a_mark(next_sequence=10, last_sequence=12, last_offset=112)
    assert served(StreamOrder(window=2, resume=mark), 10, 11, 12, 13, first_offset=110) == [
        (n, Arrival.NEXT, 0) for n in range(10, 14)
    ]


def test_what_lies_behind_a_mark_is_skipped() -> None:
    mark = a_mark(next_sequence=10, last_sequence=12, last_offset=112)
    assert served(StreamOrder(window=2, resume=mark), 8, 9, first_offset=108) == [
        (8, Arrival.DUPLICATE, 0),
        (9, Arrival.DUPLICATE, 0),
    ]


def test_silence_that_was_acked_behind_a_mark_is_not_missing() -> None:
    mark = a_mark(next_sequence=0, last_sequence=-1, last_offset=99)
    order = StreamOrder[int](window=2, resume=mark)
    assert served(order, 2, 3, 4, 5) == [
        (2, Arrival.NEXT, 0),
        (3, Arrival.REORDERED, 0),
        (4, Arrival.REORDERED, 0),
        (5, Arrival.NEXT, 0),
    ]


def test_chunks_of_an_earlier_use_of_the_id_are_skipped() -> None:
    mark = a_mark(next_sequence=3, last_sequence=2, last_offset=203, origin_offset=200)
    assert served(StreamOrder(window=0, resume=mark), 7, 8, first_offset=190) == [
        (7, Arrival.DUPLICATE, 0),
        (8, Arrival.DUPLICATE, 0),
    ]


def test_an_id_that_is_used_again_after_its_mark_begins_a_new_stream() -> None:
    order = StreamOrder[int](window=2, resume=a_mark(next_sequence=10, last_sequence=12, last_offset=112))
    ((again),) = order.take(chunk(0, later=timedelta(hours=1)), 0, offset=300)
    assert again.arrival is Arrival.RESTART


def test_a_redelivered_end_is_no_speech_behind_the_end() -> None:
    mark = a_mark(next_sequence=10, last_sequence=12, last_offset=112, is_ended=True)
    assert [arrival for _, arrival, _ in served(StreamOrder(window=2, resume=mark), 10, 11, 12, 13)] == [
        Arrival.NEXT,
        Arrival.NEXT,
        Arrival.NEXT,
        Arrival.AFTER_END,
    ]


@given(
    st.permutations(range(20)),
    st.integers(0, 4),
    st.lists(st.integers(0, 19), max_size=8),
)
def test_every_chunk_is_served_once_in_order_or_called_late(order: list[int], window: int, copies: list[int]) -> None:
    stream = StreamOrder[int](window=window)
    told = served(stream, *order, *copies)
    told += [(o.item, o.arrival, o.missing) for o in stream.give_up_waiting()]
    processed = [n for n, arrival, _ in told if arrival not in {Arrival.LATE, Arrival.DUPLICATE}]
    late = [n for n, arrival, _ in told if arrival is Arrival.LATE]
    assert processed == sorted(set(processed))
    assert {*processed, *late} == set(range(20))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=30), st.integers(1, 4))
def test_a_bounded_number_of_chunks_waits(sequences: list[int], window: int) -> None:
    order = StreamOrder[int](window=window)
    for offset, sequence in enumerate(sequences):
        order.take(chunk(sequence), sequence, offset=offset)
        assert len(order._waiting) <= window
