"""The topic catalogue, and that its validation rejects what it must."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from moderation.contracts.catalogue import load_schemas, locate
from moderation.contracts.topics import configured_topics, load_topics
from moderation.errors import InvariantViolation
from moderation.settings import Settings, StreamingSettings


def _good() -> dict[str, Any]:
    loaded = yaml.safe_load((locate("topics") / "voice-audio.yaml").read_text())
    assert isinstance(loaded, dict)
    return loaded


def test_the_catalogue_has_the_topics_that_the_settings_name_by_default() -> None:
    streaming = Settings().streaming
    names = {topic.name for topic in load_topics()}
    assert names == {
        streaming.audio_topic,
        streaming.transcripts_topic,
        streaming.flags_topic,
        streaming.dead_letters_topic,
        streaming.resume_marks_topic,
        streaming.replays_topic,
    }


def test_every_event_has_one_topic() -> None:
    assert sorted(topic.event for topic in load_topics()) == sorted({file.event for file in load_schemas()})


def test_topics_take_the_names_that_the_settings_give() -> None:
    renamed = configured_topics(load_topics(), StreamingSettings(audio_topic="eu.voice", flags_topic="eu.flags"))
    assert {topic.event: topic.name for topic in renamed} == {
        "audio_chunk": "eu.voice",
        "transcript": "voice-transcripts",
        "moderation_flag": "eu.flags",
        "dead_letter": "moderation-dead-letters",
        "resume_mark": "moderation-resume-marks",
        "dead_letter_replay": "moderation-dead-letter-replays",
    }


def test_marks_have_as_many_partitions_as_the_audio_that_they_are_about() -> None:
    topics = {topic.event: topic for topic in load_topics()}
    assert topics["resume_mark"].partitions == topics["audio_chunk"].partitions
    assert topics["resume_mark"].cleanup_policy == "compact"


def test_a_compacted_topic_is_cleaned_soon_and_others_are_not_told_how() -> None:
    topics = {topic.event: topic.broker_configuration(3) for topic in load_topics()}
    assert topics["resume_mark"]["min.cleanable.dirty.ratio"] == "0.1"
    assert "segment.ms" not in topics["audio_chunk"]


def test_the_audio_topic_takes_the_largest_payload_and_a_dead_letter_takes_the_largest_chunk() -> None:
    settings = Settings()
    topics = {topic.event: topic for topic in load_topics()}
    assert topics["audio_chunk"].max_message_bytes >= settings.audio.max_payload_bytes + 64 * 1024
    assert topics["dead_letter"].max_message_bytes >= topics["audio_chunk"].max_message_bytes + 64 * 1024
    assert max(topic.max_message_bytes for topic in topics.values()) <= settings.kafka.max_message_bytes


@pytest.mark.parametrize(
    "change",
    [
        {"partitons": 12},
        {"partitions": "12"},
        {"partitions": 0},
        {"cleanup_policy": "compress"},
        {"schema": "video_chunk"},
        {"name": "voice audio"},
        {"min_insync_replicas": 4},
        {"consumers": []},
        {"owner": ""},
        {"name": "other-audio"},
    ],
    ids=str,
)
def test_the_validation_rejects(tmp_path: Path, change: dict[str, Any]) -> None:
    (tmp_path / "voice-audio.yaml").write_text(yaml.safe_dump({**_good(), **change}))
    with pytest.raises(InvariantViolation):
        load_topics(tmp_path)


@pytest.mark.parametrize("key", sorted(_good()))
def test_the_validation_misses_every_key(tmp_path: Path, key: str) -> None:
    topic = _good()
    del topic[key]
    (tmp_path / "voice-audio.yaml").write_text(yaml.safe_dump(topic))
    with pytest.raises(InvariantViolation):
        load_topics(tmp_path)


def test_the_validation_accepts_what_the_other_tests_change(tmp_path: Path) -> None:
    (tmp_path / "voice-audio.yaml").write_text(yaml.safe_dump(_good()))
    assert [topic.name for topic in load_topics(tmp_path)] == ["voice-audio"]


def test_a_file_that_is_not_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "voice-audio.yaml").write_text("{")
    with pytest.raises(InvariantViolation, match="not YAML"):
        load_topics(tmp_path)


def test_one_replica_needs_no_second_to_confirm() -> None:
    topic = load_topics()[0]
    assert topic.broker_configuration(1)["min.insync.replicas"] == "1"
    assert topic.broker_configuration(3)["min.insync.replicas"] == "2"
