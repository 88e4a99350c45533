"""Which dead letters are replayed, where to, and what the ledger concludes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from moderation.client.letters import Letter, Place, Selection, distinct, summarise
from moderation.client.replay_plan import Outcome, plan_replay, replay_headers, target_partition
from moderation.client.replay_state import ReplayStates
from moderation.contracts.replay import REPLAY_OF, DeadLetterReplay, ReplayState, entry_key
from moderation.events import DeadLetter

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AUDIO = frozenset({"voice-audio"})


def a_letter(number: int = 0, **changes: Any) -> Letter:
    values: dict[str, Any] = {
        "letter_id": f"id-{number}",
        "code": "key_mismatch",
        "reason": "a sentence",
        "topic": "voice-audio",
        "partition": 0,
        "offset": number,
        "key": b"k",
        "size_bytes": 10,
        "failed_at": NOW + timedelta(seconds=number),
        "replay_of": None,
        "place": Place(partition=0, offset=number),
    }
    return Letter(**(values | changes))


def an_event(**changes: Any) -> DeadLetter:
    values: dict[str, Any] = {
        "code": "key_mismatch",
        "reason": "a sentence",
        "topic": "voice-audio",
        "partition": 5,
        "offset": 7,
        "timestamp": NOW,
        "key": b"stream",
        "value": b"bytes",
        "headers": (("x", b"1"),),
        "application_version": "1",
        "failed_at": NOW,
    }
    return DeadLetter(**(values | changes))


def an_entry(state: ReplayState, run_id: str, at_s: float = 0.0) -> DeadLetterReplay:
    return DeadLetterReplay(
        dead_letter_id="id-0",
        state=state,
        run_id=run_id,
        topic="voice-audio",
        partition=0,
        offset=0,
        stated_at=NOW + timedelta(seconds=at_s),
    )


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"topic": "elsewhere"}, Outcome.OTHER_TOPIC),
        ({"size_bytes": None}, Outcome.NO_VALUE),
        ({"letter_id": "done"}, Outcome.ALREADY_REPLAYED),
        ({"replay_of": "another"}, Outcome.FAILED_REPLAY),
    ],
)
def test_what_must_not_be_replayed_is_left_out_with_the_reason(change: dict[str, Any], outcome: Outcome) -> None:
    letter = a_letter(**change)
    plan = plan_replay([letter, a_letter(1)], topics=AUDIO, replayed=frozenset({"done"}), again=False)
    assert plan.left_out == ((letter, outcome),)
    assert plan.letters == (a_letter(1),)


def test_again_replays_what_was_replayed_but_not_what_has_no_value_or_another_topic() -> None:
    done, failed = a_letter(1, letter_id="done"), a_letter(2, replay_of="another")
    out = a_letter(3, topic="elsewhere"), a_letter(4, size_bytes=None)
    plan = plan_replay([done, failed, *out], topics=AUDIO, replayed=frozenset({"done"}), again=True)
    assert plan.letters == (done, failed)
    assert [outcome for _, outcome in plan.left_out] == [Outcome.OTHER_TOPIC, Outcome.NO_VALUE]


def test_letters_are_replayed_in_the_order_of_their_source_partition_whenever_they_failed() -> None:
    letters = [a_letter(3, failed_at=NOW), a_letter(9, partition=1), a_letter(1), a_letter(2)]
    plan = plan_replay(letters, topics=AUDIO, replayed=frozenset(), again=False)
    assert [(letter.partition, letter.offset) for letter in plan.letters] == [(0, 1), (0, 2), (0, 3), (1, 9)]


def test_a_letter_goes_back_to_its_partition_while_there_is_one() -> None:
    assert target_partition(an_event(), range(12)) == 5


def test_where_the_partition_is_gone_all_letters_of_a_key_meet_in_one() -> None:
    targets = {target_partition(an_event(partition=number), [0, 1, 2]) for number in (3, 7, 11)}
    assert len(targets) == 1
    assert targets <= {0, 1, 2}
    assert target_partition(an_event(key=None), [0, 1, 2]) == 2


def test_a_replay_carries_the_original_headers_and_one_marker() -> None:
    event = an_event(headers=(("x", b"1"), (REPLAY_OF, b"older"), ("x", None)))
    assert replay_headers(event, "id-0") == (("x", b"1"), ("x", None), (REPLAY_OF, b"id-0"))


def test_of_two_runs_that_claim_at_once_the_first_in_the_log_holds_the_letter() -> None:
    states = ReplayStates(claim_s=60)
    states.apply(an_entry(ReplayState.CLAIMED, "a"))
    states.apply(an_entry(ReplayState.CLAIMED, "b", at_s=-1))
    assert states.claimed_by("a", ["id-0"], NOW) == {"id-0"}
    assert states.claimed_by("b", ["id-0"], NOW) == set()


def test_a_claim_runs_out_and_another_run_may_take_it() -> None:
    states = ReplayStates(claim_s=60)
    states.apply(an_entry(ReplayState.CLAIMED, "a"))
    later = NOW + timedelta(seconds=60)
    assert states.claimed_by("a", ["id-0"], later) == set()
    states.apply(an_entry(ReplayState.CLAIMED, "b", at_s=60))
    assert states.claimed_by("b", ["id-0"], later) == {"id-0"}


def test_only_the_holder_releases() -> None:
    states = ReplayStates(claim_s=60)
    states.apply(an_entry(ReplayState.CLAIMED, "a"))
    states.apply(an_entry(ReplayState.RELEASED, "b"))
    assert states.claimed_by("a", ["id-0"], NOW)
    states.apply(an_entry(ReplayState.RELEASED, "a"))
    assert not states.claimed_by("a", ["id-0"], NOW)
    assert states.replayed == frozenset()


def test_what_was_replayed_stays_so_whatever_is_claimed_later() -> None:
    states = ReplayStates(claim_s=60)
    for state in (ReplayState.CLAIMED, ReplayState.REPLAYED, ReplayState.CLAIMED, ReplayState.RELEASED):
        states.apply(an_entry(state, "a"))
    assert states.was_replayed("id-0")


def test_compaction_can_never_replace_a_replay_by_a_claim() -> None:
    assert entry_key(an_entry(ReplayState.REPLAYED, "a")) == b"id-0"
    assert entry_key(an_entry(ReplayState.CLAIMED, "a")) == entry_key(an_entry(ReplayState.RELEASED, "b"))
    assert entry_key(an_entry(ReplayState.CLAIMED, "a")) != b"id-0"


def test_a_letter_that_was_published_twice_counts_once() -> None:
    twice = [a_letter(), replace(a_letter(), place=Place(partition=2, offset=9))]
    assert list(distinct(twice)) == [a_letter()]


def test_a_selection_takes_what_passes_every_part() -> None:
    chosen = Selection(codes=frozenset({"key_mismatch"}), since=NOW, until=NOW + timedelta(seconds=2))
    letters = [a_letter(-1), a_letter(0), a_letter(1, code="late_chunk"), a_letter(1), a_letter(2)]
    assert [letter.offset for letter in letters if chosen.matches(letter)] == [0, 1]


def test_a_summary_counts_letters_streams_and_places() -> None:
    letters = [a_letter(0), a_letter(1, partition=3, key=b"k2"), a_letter(2, code="late_chunk"), a_letter(3, key=None)]
    first, second = summarise(letters, frozenset({"id-1"}))
    assert (first.code, first.count, first.streams, first.replayed) == ("key_mismatch", 3, 2, 1)
    assert first.partitions == {"voice-audio": {0, 3}}
    assert (first.first_failed_at, first.last_failed_at) == (NOW, NOW + timedelta(seconds=3))
    assert (second.code, second.count) == ("late_chunk", 1)
