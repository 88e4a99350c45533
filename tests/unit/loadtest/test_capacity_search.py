import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.capacity.search import RESOLUTION, Search


def run(search: Search, capacity: int) -> list[int]:
    """The trials against a worker that carries so many streams, and no more."""
    tried = []
    while (streams := search.next()) is not None:
        tried.append(streams)
        search.tell(streams, carried=streams <= capacity)
        assert len(tried) < 50
    return tried


def test_it_doubles_then_halves_the_gap_then_confirms() -> None:
    search = Search(start=16, most=1000, confirmations=1)
    assert run(search, 70) == [16, 32, 64, 128, 96, 80, 72, 68, 68]
    assert search.passed == 68


@given(st.integers(1, 900), st.integers(1, 64))
def test_the_answer_is_carried_and_close_to_the_truth(capacity: int, start: int) -> None:
    search = Search(start=start, most=1000)
    run(search, capacity)
    assert search.passed <= capacity
    assert capacity - search.passed <= max(1, int((capacity + 1) * RESOLUTION) + 1)


def test_nothing_is_tried_beyond_the_most() -> None:
    search = Search(start=16, most=100)
    assert max(run(search, 10_000)) == 100
    assert search.passed == 100


def test_where_not_even_one_is_carried_the_answer_is_none() -> None:
    search = Search(start=4, most=100)
    assert run(search, 0) == [4, 2, 1]
    assert search.passed == 0


def test_a_number_that_fails_its_confirmation_is_no_answer() -> None:
    search = Search(start=16, most=1000)
    outcomes = {number: [False] for number in (32, 28, 26, 25, 22, 21)}
    outcomes |= {16: [True], 24: [True, False], 20: [True, True]}
    while (streams := search.next()) is not None:
        search.tell(streams, carried=outcomes[streams].pop(0))
    assert search.passed == 20


@pytest.mark.parametrize("confirmations", [0, 2])
def test_confirmations_can_be_chosen(confirmations: int) -> None:
    search = Search(start=8, most=100, confirmations=confirmations)
    tried = run(search, 10)
    assert tried.count(search.passed) == 1 + confirmations
