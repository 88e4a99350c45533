from typing import Any

from loadtest.faults.compare import compare
from loadtest.faults.facts import Fact


def fact(first: int, last: int, *, stream: str = "s", text: str = "hello", **details: Any) -> Fact:
    return Fact(
        fact_id=f"{stream}-{first}-{last}",
        stream_id=stream,
        first_sequence=first,
        last_sequence=last,
        parts={"text": text, "times": (first, last)},
        details=details,
    )


REFERENCE = [fact(0, 5), fact(6, 9), fact(0, 3, stream="t")]


def test_two_runs_that_tell_the_same_are_clean() -> None:
    found = compare(REFERENCE, REFERENCE, what="utterance")
    assert found.is_clean
    assert (found.expected, found.redelivered) == (3, 0)


def test_the_streams_of_a_run_may_be_told_in_any_order_relative_to_each_other() -> None:
    assert compare(REFERENCE, [REFERENCE[2], *REFERENCE[:2]], what="utterance").is_clean


def test_an_utterance_that_was_never_told_is_lost() -> None:
    found = compare(REFERENCE, REFERENCE[1:], what="utterance")
    assert [str(item) for item in found.lost] == ["lost utterance: stream s, chunks 0 to 5"]
    assert (found.moved, len(found.ghosts), found.is_clean) == (0, 0, False)


def test_an_utterance_told_with_other_chunks_is_lost_and_its_other_self_a_ghost() -> None:
    found = compare(REFERENCE, [fact(1, 5), *REFERENCE[1:]], what="utterance")
    assert (len(found.lost), found.moved, len(found.ghosts), found.is_clean) == (1, 1, 1, False)


def test_an_utterance_told_in_other_words_is_mismatched_and_its_words_are_not_shown() -> None:
    found = compare(REFERENCE, [fact(0, 5, text="goodbye"), *REFERENCE[1:]], what="utterance")
    assert (found.by_kind(), found.mismatched_facts, found.is_clean) == ({"text": 1}, 1, False)
    assert not any("goodbye" in str(item) or "hello" in str(item) for item in found.examples())


def test_what_is_told_twice_and_alike_is_redelivered_and_no_fault() -> None:
    found = compare(REFERENCE, [*REFERENCE, REFERENCE[0], REFERENCE[0]], what="utterance")
    assert (found.redelivered, found.is_clean) == (2, True)


def test_what_is_told_twice_and_not_alike_is_conflicting() -> None:
    found = compare(REFERENCE, [*REFERENCE, fact(0, 5, text="goodbye")], what="utterance")
    assert (found.conflicting_facts, found.mismatched_facts, found.is_clean) == (1, 0, False)


def test_order_counts_where_an_utterance_appeared_first() -> None:
    again = [*REFERENCE, REFERENCE[0]]
    assert not compare(REFERENCE, again, what="utterance").out_of_order
    swapped = [REFERENCE[1], REFERENCE[0], REFERENCE[2]]
    found = compare(REFERENCE, swapped, what="utterance")
    assert [item.first_sequence for item in found.out_of_order] == [0]
    assert not found.is_clean


def test_a_detail_that_differs_is_counted_apart_and_no_fault() -> None:
    found = compare([fact(0, 5, times=1)], [fact(0, 5, times=2)], what="utterance")
    assert (len(found.details), found.is_clean) == (1, True)
