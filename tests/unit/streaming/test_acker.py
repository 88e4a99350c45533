import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.errors import InvariantViolation
from moderation.streaming.acker import OrderedAcker


def test_nothing_is_acked_while_the_oldest_message_is_unfinished() -> None:
    acker, acked = OrderedAcker(), []
    first = acker.track(7, lambda: acked.append(7))
    second = acker.track(8, lambda: acked.append(8))
    second.done()
    assert acked == []
    assert acker.oldest_waiting_offset == 7
    first.done()
    assert acked == [7, 8]
    assert acker.acked_through == 8
    assert acker.oldest_waiting_offset is None


@given(st.permutations(range(12)), st.lists(st.integers(1, 50), min_size=12, max_size=12))
def test_acks_are_ascending_and_complete_whatever_the_order_of_completion(order: list[int], gaps: list[int]) -> None:
    acker, acked, offset, handles = OrderedAcker(), [], 0, []
    for gap in gaps:
        offset += gap
        handles.append(acker.track(offset, lambda offset=offset: acked.append(offset)))
    finished: set[int] = set()
    for index in order:
        handles[index].done()
        finished.add(index)
        head = next((i for i in range(12) if i not in finished), 12)
        assert acked == [handle.offset for handle in handles[:head]]


def test_finishing_twice_acks_once() -> None:
    acker, acked = OrderedAcker(), []
    handle = acker.track(0, lambda: acked.append(0))
    handle.done()
    handle.done()
    assert acked == [0]


def test_what_finishes_after_the_partition_was_revoked_is_never_acked() -> None:
    acker, acked = OrderedAcker(), []
    handle = acker.track(0, lambda: acked.append(0))
    acker.fence()
    handle.done()
    assert acked == []


def test_a_message_that_arrives_out_of_order_is_refused() -> None:
    acker = OrderedAcker()
    acker.track(5, lambda: None)
    with pytest.raises(InvariantViolation):
        acker.track(5, lambda: None)
