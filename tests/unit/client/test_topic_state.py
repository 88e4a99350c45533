"""When a topic counts as falling short of the catalogue."""

import pytest

from moderation.client.topic_state import FoundTopic, differences, replication_on
from moderation.contracts.topics import Topic, load_topics


@pytest.fixture
def topic() -> Topic:
    (audio,) = (topic for topic in load_topics() if topic.event == "audio_chunk")
    return audio


def _found(topic: Topic, brokers: int = 3, **changes: int) -> FoundTopic:
    configuration = topic.broker_configuration(replication_on(topic, brokers))
    values = {"partitions": topic.partitions, "replication": replication_on(topic, brokers), **changes}
    return FoundTopic(configuration=configuration, **values)


def test_a_topic_as_it_was_created_has_no_differences(topic: Topic) -> None:
    assert differences(topic, _found(topic), brokers=3) == ()
    assert differences(topic, _found(topic, brokers=1), brokers=1) == ()


def test_fewer_partitions_are_a_difference_and_more_are_not(topic: Topic) -> None:
    (sentence,) = differences(topic, _found(topic, partitions=4), brokers=3)
    assert sentence == "has 4 partitions and should have 12"
    assert differences(topic, _found(topic, partitions=48), brokers=3) == ()


def test_fewer_copies_are_a_difference_where_there_are_brokers_for_more(topic: Topic) -> None:
    assert differences(topic, _found(topic, replication=1), brokers=3)
    assert not differences(topic, _found(topic, brokers=1, replication=1), brokers=1)


def test_another_configuration_is_a_difference(topic: Topic) -> None:
    found = FoundTopic(partitions=12, replication=3, configuration={"retention.ms": "1000", "segment.ms": "5"})
    (sentence,) = differences(topic, found, brokers=3)
    assert sentence == "retention.ms is 1000 and should be 86400000"


def test_what_the_broker_does_not_tell_is_not_judged(topic: Topic) -> None:
    assert differences(topic, FoundTopic(partitions=12, replication=3), brokers=3) == ()
