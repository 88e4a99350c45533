"""Identifiers are the same for ever: consumers recognise replays by them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from moderation.contracts.ids import chunk_id, dead_letter_id, flag_id, utterance_id

AT = datetime(2026, 3, 14, 20, 15, 30, 250_000, tzinfo=UTC)


def test_ids_never_change() -> None:
    where = {"tenant_id": "acme", "stream_id": "match-4711/7", "captured_at": AT, "first_sequence": 12}
    assert utterance_id(**where, last_sequence=27) == "119f2765-6a12-5acf-940a-f045ba150b2d"
    flag = flag_id(**where, started_at=AT + timedelta(milliseconds=120), policy_id="default")
    assert flag == "30d6035c-8975-5b66-b916-69f2622508f2"


def test_ids_are_uuids_of_version_5() -> None:
    assert UUID(chunk_id(tenant_id="a", stream_id="b", sequence=0)).version == 5
    assert UUID(dead_letter_id(topic="t", partition=1, offset=2)).version == 5


def test_each_part_makes_another_id() -> None:
    base = {"tenant_id": "a", "stream_id": "b", "captured_at": AT, "first_sequence": 1, "last_sequence": 2}
    later = {"captured_at": AT + timedelta(milliseconds=1)}
    others = [{"tenant_id": "x"}, {"stream_id": "x"}, later, {"first_sequence": 0}, {"last_sequence": 3}]
    assert len({utterance_id(**base), *(utterance_id(**{**base, **other}) for other in others)}) == 6


def test_each_part_makes_another_id_of_a_flag() -> None:
    base = {
        "tenant_id": "a",
        "stream_id": "b",
        "captured_at": AT,
        "first_sequence": 1,
        "started_at": AT + timedelta(milliseconds=120),
        "policy_id": "p",
    }
    instants = {"captured_at": AT + timedelta(milliseconds=1), "started_at": AT + timedelta(milliseconds=520)}
    others = [{"tenant_id": "x"}, {"stream_id": "x"}, {"first_sequence": 0}, {"policy_id": "q"}]
    others += [{name: instant} for name, instant in instants.items()]
    assert len({flag_id(**base), *(flag_id(**{**base, **other}) for other in others)}) == 7


def test_the_id_of_a_flag_does_not_depend_on_how_samples_are_rounded() -> None:
    base = {"tenant_id": "a", "stream_id": "b", "captured_at": AT, "first_sequence": 1, "policy_id": "p"}
    sample = timedelta(seconds=1 / 16_000)
    places = [timedelta(milliseconds=120) + step * sample for step in (-1, 0, 1)]
    assert len({flag_id(**base, started_at=AT + place) for place in places}) == 1


def test_parts_cannot_be_shifted_into_each_other() -> None:
    one = utterance_id(tenant_id="a", stream_id='b","c', captured_at=AT, first_sequence=1, last_sequence=2)
    other = utterance_id(tenant_id='a","b', stream_id="c", captured_at=AT, first_sequence=1, last_sequence=2)
    assert one != other
    assert utterance_id(
        tenant_id="a", stream_id="b", captured_at=AT, first_sequence=1, last_sequence=23
    ) != utterance_id(tenant_id="a", stream_id="b", captured_at=AT, first_sequence=12, last_sequence=3)


def test_an_utterance_and_its_flag_have_different_ids() -> None:
    where = {"tenant_id": "a", "stream_id": "b", "captured_at": AT, "first_sequence": 1}
    assert utterance_id(**where, last_sequence=2) != flag_id(**where, started_at=AT, policy_id="")
