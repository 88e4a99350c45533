"""Identifiers are the same for ever: consumers recognise replays by them."""

from uuid import UUID

from moderation.contracts.ids import chunk_id, dead_letter_id, flag_id, utterance_id


def test_ids_never_change() -> None:
    where = {"tenant_id": "acme", "stream_id": "match-4711/7", "first_sequence": 12, "last_sequence": 27}
    assert flag_id(**where, policy_id="default") == "10fde133-eacd-550d-8f65-b5d7a010538e"
    assert utterance_id(**where) == "1fca7d52-10b5-5f70-879d-80306c8338f2"


def test_ids_are_uuids_of_version_5() -> None:
    assert UUID(chunk_id(tenant_id="a", stream_id="b", sequence=0)).version == 5
    assert UUID(dead_letter_id(topic="t", partition=1, offset=2)).version == 5


def test_each_part_makes_another_id() -> None:
    base = {"tenant_id": "a", "stream_id": "b", "first_sequence": 1, "last_sequence": 2}
    others = [{"tenant_id": "x"}, {"stream_id": "x"}, {"first_sequence": 0}, {"last_sequence": 3}]
    assert len({utterance_id(**base), *(utterance_id(**{**base, **other}) for other in others)}) == 5
    assert flag_id(**base, policy_id="p") != flag_id(**base, policy_id="q")


def test_parts_cannot_be_shifted_into_each_other() -> None:
    one = utterance_id(tenant_id="a", stream_id='b","c', first_sequence=1, last_sequence=2)
    other = utterance_id(tenant_id='a","b', stream_id="c", first_sequence=1, last_sequence=2)
    assert one != other
    assert utterance_id(tenant_id="a", stream_id="b", first_sequence=1, last_sequence=23) != utterance_id(
        tenant_id="a", stream_id="b", first_sequence=12, last_sequence=3
    )


def test_an_utterance_and_its_flag_have_different_ids() -> None:
    where = {"tenant_id": "a", "stream_id": "b", "first_sequence": 1, "last_sequence": 2}
    assert utterance_id(**where) != flag_id(**where, policy_id="")
