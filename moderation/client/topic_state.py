"""What a topic should be and what it is: pure functions of data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from moderation.contracts.topics import Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTopic:
    """A topic as a broker has it. `configuration` holds what the broker tells, which may be nothing."""

    partitions: int
    replication: int
    configuration: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicState:
    """A topic of the catalogue beside what the broker has. No differences: it is as it should be."""

    topic: Topic
    exists: bool
    created: bool = False
    differences: tuple[str, ...] = ()


def replication_on(topic: Topic, brokers: int) -> int:
    """How many copies the topic can have on a cluster: what it asks for, and no more than there are brokers."""
    return min(topic.replication, brokers)


def differences(topic: Topic, found: FoundTopic, brokers: int) -> tuple[str, ...]:
    """Where a topic falls short of the catalogue, one sentence each.

    More partitions or copies than the catalogue asks for are no difference: clusters are scaled up. What the broker
    does not tell is not judged.
    """
    replication = replication_on(topic, brokers)
    wrong = []
    if found.partitions < topic.partitions:
        wrong.append(f"has {found.partitions} partitions and should have {topic.partitions}")
    if found.replication < replication:
        wrong.append(f"has {found.replication} copies of each partition and should have {replication}")
    for name, wanted in topic.broker_configuration(replication).items():
        value = found.configuration.get(name, wanted)
        if value != wanted:
            wrong.append(f"{name} is {value} and should be {wanted}")
    return tuple(wrong)
