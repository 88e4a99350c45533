"""What goes with an event when it is published: headers, key, JSON."""

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from moderation.contracts.as_json import to_json
from moderation.contracts.catalogue import locate
from moderation.contracts.cloudevents import cloud_event_headers, event_id
from moderation.contracts.codecs import Codecs
from moderation.contracts.dead_letter import error_headers
from moderation.contracts.keys import key_of
from moderation.events import DeadLetter, ModerationFlag, Transcript

REQUIRED = {"ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "content-type"}


def _bytes(path: str) -> bytes:
    return (locate("schemas") / "examples" / path).read_bytes()


@pytest.fixture
def transcript(codecs: Codecs) -> Transcript:
    return codecs.transcripts.decode(_bytes("transcript.v1/final.bin"))


@pytest.fixture
def flag(codecs: Codecs) -> ModerationFlag:
    return codecs.flags.decode(_bytes("moderation_flag.v1/insult.bin"))


@pytest.fixture
def letter(codecs: Codecs) -> DeadLetter:
    return codecs.dead_letters.decode(_bytes("dead_letter.v1/malformed.bin"))


def test_every_event_has_the_required_attributes_of_cloudevents(
    chunk: Any, transcript: Transcript, flag: ModerationFlag, letter: DeadLetter
) -> None:
    for event in (chunk(), transcript, flag, letter):
        headers = cloud_event_headers(event, source="/voice-moderation/test")
        assert set(headers) == REQUIRED
        assert headers["ce_specversion"] == b"1.0"
        assert headers["ce_source"] == b"/voice-moderation/test"
        assert headers["content-type"] == b"application/avro"
        assert headers["ce_type"].decode() == f"voice.moderation.{type(event).__name__}.v1"


def test_the_time_of_an_event_is_utc_with_milliseconds(chunk: Any) -> None:
    late = chunk(captured_at=datetime(2026, 3, 1, 1, 0, tzinfo=timezone(timedelta(hours=1))))
    assert cloud_event_headers(late, source="/x")["ce_time"] == b"2026-03-01T00:00:00.000Z"


def test_the_id_of_a_final_transcript_and_of_a_first_flag_is_their_own(
    transcript: Transcript, flag: ModerationFlag
) -> None:
    assert event_id(transcript) == transcript.utterance_id
    assert event_id(flag) == flag.flag_id


def test_partials_and_later_revisions_are_events_of_their_own(transcript: Transcript, flag: ModerationFlag) -> None:
    assert event_id(replace(transcript, is_final=False)) != event_id(transcript)
    assert len({event_id(replace(flag, revision=revision)) for revision in range(3)}) == 3


def test_the_id_of_a_chunk_follows_its_stream_and_sequence(chunk: Any) -> None:
    assert event_id(chunk()) == event_id(chunk(payload=b"other"))
    assert len({event_id(chunk()), event_id(chunk(sequence=4)), event_id(chunk(stream_id="s/2"))}) == 3


def test_keys_are_what_the_topics_promise(
    chunk: Any, transcript: Transcript, flag: ModerationFlag, letter: DeadLetter
) -> None:
    assert key_of(chunk()) == b"s/1"
    assert key_of(transcript) == b"match-4711"
    assert key_of(flag) == b"player-7"
    assert key_of(letter) == b"match-4711/7"
    assert key_of(replace(letter, key=None)) is None


def test_a_dead_letter_has_the_headers_of_kafka_connect(letter: DeadLetter) -> None:
    assert error_headers(letter) == {
        "__connect.errors.topic": b"voice-audio",
        "__connect.errors.partition": b"5",
        "__connect.errors.offset": b"1300",
        "__connect.errors.stage": b"moderation",
        "__connect.errors.class.name": b"voice-moderation/0.1.0",
        "__connect.errors.exception.class.name": b"malformed_avro",
        "__connect.errors.exception.message": letter.reason.encode(),
    }


def test_json_has_plain_values_only(
    chunk: Any, transcript: Transcript, flag: ModerationFlag, letter: DeadLetter
) -> None:
    for event in (chunk(), transcript, flag, letter):
        plain = to_json(event)
        assert json.loads(json.dumps(plain)) == plain
    assert to_json(chunk())["payload"] == "AQI="
    assert to_json(chunk())["captured_at"] == "2026-03-01T00:00:00.000Z"
    assert to_json(flag)["severity"] == "medium"
    assert to_json(flag)["detections"][0]["kind"] == "toxicity"
