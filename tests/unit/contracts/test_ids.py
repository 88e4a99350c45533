"""Identifiers are the same for ever: consumers recognise replays by them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from moderation.contracts.ids import chunk_id, dead_letter_id, flag_id, utterance_id

AT = datetime(2026, 3, 14, 20, 15, 30, 250_000, tzinfo=UTC)


def test_ids_never_change() -> None:
    where = {
        "tenant_id": "acme",
        "stream_id": "match-4711/7",
        "captured_at": AT,
        "first_sequence": 12,
        "last_sequence": 27,
    }
    assert flag_id(**where, policy_id="default") == "60b26105-59b9-54ef-8eb6-43727bfae9de"
    assert utterance_id(**where) == "119f2765-6a12-5acf-940a-f045ba150b2d"


def test_ids_are_uuids_of_version_5() -> None:
    assert UUID(chunk_id(tenant_id="a", stream_id="b", sequence=0)).version == 5
    assert UUID(dead_letter_id(topic="t", partition=1, offset=2)).version == 5


def test_each_part_makes_another_id() -> None:
    base = {"tenant_id": "a", "stream_id": "b", "captured_at": AT, "first_sequence": 1, "last_sequence": 2}
    later = {"captured_at": AT + timedelta(milliseconds=1)}
    others = [{"tenant_id": "x"}, {"stream_id": "x"}, later, {"first_sequence": 0}, {"last_sequence": 3}]
    assert len({utterance_id(**base), *(utterance_id(**{**base, **other}) for other in others)}) == 6
    assert flag_id(**base, policy_id="p") != flag_id(**base, policy_id="q")


def test_parts_cannot_be_shifted_into_each_other() -> None:
    one = utterance_id(tenant_id="a", stream_id='b","c', captured_at=AT, first_sequence=1, last_sequence=2)
    other = utterance_id(tenant_id='a","b', stream_id="c", captured_at=AT, first_sequence=1, last_sequence=2)
    assert one != other
    assert utterance_id(
        tenant_id="a", stream_id="b", captured_at=AT, first_sequence=1, last_sequence=23
    ) != utterance_id(tenant_id="a", stream_id="b", captured_at=AT, first_sequence=12, last_sequence=3)


def test_an_utterance_and_its_flag_have_different_ids() -> None:
    where = {"tenant_id": "a", "stream_id": "b", "captured_at": AT, "first_sequence": 1, "last_sequence": 2}
    assert utterance_id(**where) != flag_id(**where, policy_id="")
