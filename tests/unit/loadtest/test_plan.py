from dataclasses import fields

import pytest

from loadtest.processes import own_names
from loadtest.run import Plan


def plan(names: dict[str, str]) -> Plan:
    return Plan.for_topics(names, bootstrap="b:1", streams=3, seconds=7.0, talk_ratio=0.5, seed=2, tail_s=1.0)


def test_a_plan_takes_the_topics_of_its_run() -> None:
    made = plan(own_names("r1"))
    assert {field.name: getattr(made, field.name) for field in fields(made) if field.name.endswith("_topic")} == {
        "audio_topic": "voice-audio-r1",
        "transcripts_topic": "voice-transcripts-r1",
        "flags_topic": "moderation-flags-r1",
        "dead_letters_topic": "moderation-dead-letters-r1",
    }
    assert (made.bootstrap, made.streams, made.tail_s) == ("b:1", 3, 1.0)


def test_a_missing_name_is_an_error() -> None:
    with pytest.raises(KeyError):
        plan({"STREAMING__AUDIO_TOPIC": "a"})
