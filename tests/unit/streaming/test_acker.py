import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.errors import InvariantViolation
from moderation.streaming.acker import OrderedAcker


def an_acker() -> OrderedAcker:
    return OrderedAcker(on_progress=lambda: None)


def test_nothing_is_acked_while_the_oldest_message_is_unfinished() -> None:
    acker = an_acker()
    first = acker.track(7, 1.0)
    second = acker.track(8, 2.0)
    second.done()
    assert acker.acked_through == -1
    assert acker.oldest is first
    first.done()
    assert acker.acked_through == 8
    assert acker.oldest is None
    assert len(acker) == 0


@given(st.permutations(range(12)), st.lists(st.integers(1, 50), min_size=12, max_size=12))
def test_acks_move_to_the_contiguous_head_whatever_the_order_of_completion(order: list[int], gaps: list[int]) -> None:
    acker, offset, handles = an_acker(), 0, []
    for gap in gaps:
        offset += gap
        handles.append(acker.track(offset, 0.0))
    finished: set[int] = set()
    for index in order:
        handles[index].done()
        finished.add(index)
        head = next((i for i in range(12) if i not in finished), 12)
        assert acker.acked_through == (handles[head - 1].offset if head else -1)


def test_progress_is_told_only_when_the_head_moves() -> None:
    told: list[int] = []
    acker = OrderedAcker(on_progress=lambda: told.append(acker.acked_through))
    first, second = acker.track(0, 0.0), acker.track(1, 0.0)
    second.done()
    assert told == []
    first.done()
    first.done()
    assert told == [1]


def test_what_finishes_after_the_partition_was_revoked_is_never_acked() -> None:
    acker = an_acker()
    handle = acker.track(0, 0.0)
    acker.fence()
    handle.done()
    assert acker.acked_through == -1


def test_what_is_in_hand_or_acked_was_taken_and_what_was_skipped_was_not() -> None:
    acker = an_acker()
    acker.track(3, 0.0).done()
    acker.track(5, 0.0)
    assert [acker.has_taken(offset) for offset in (2, 3, 4, 5, 6)] == [True, True, False, True, False]


def test_a_message_that_arrives_out_of_order_is_refused() -> None:
    acker = an_acker()
    acker.track(5, 0.0)
    with pytest.raises(InvariantViolation):
        acker.track(5, 0.0)
