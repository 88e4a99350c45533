"""Topics on the broker: create what is missing, compare what is there."""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from moderation.client.connection import connected, kafka_arguments
from moderation.client.topic_state import FoundTopic, TopicState, differences, replication_on
from moderation.contracts.topics import Topic, configured_topics, load_topics
from moderation.errors import ConfigurationError, TransientError
from moderation.settings import Settings


async def apply_topics(settings: Settings) -> tuple[TopicState, ...]:
    """Create the topics of the catalogue that are missing, and compare the others; nothing that exists is altered.

    On a cluster with fewer brokers than a topic asks copies for, it gets as many as there are brokers.

    Raises:
        ConfigurationError: no broker can be reached, or it refuses to create a topic.
        TransientError: the broker failed to answer.
    """
    async with _admin(settings) as admin:
        cluster = _Cluster(admin)
        states = await cluster.compare(_topics(settings))
        missing = [state.topic for state in states if not state.exists]
        await cluster.create(missing)
    return tuple(
        state if state.exists else TopicState(topic=state.topic, exists=True, created=True) for state in states
    )


async def check_topics(settings: Settings) -> tuple[TopicState, ...]:
    """Compare the broker's topics with the catalogue; nothing is changed.

    Raises:
        ConfigurationError: no broker can be reached.
        TransientError: the broker failed to answer.
    """
    async with _admin(settings) as admin:
        return await _Cluster(admin).compare(_topics(settings))


async def require_topics(settings: Settings, names: Iterable[str] | None = None) -> None:
    """Return when the topics (default: all of the catalogue) exist.

    To be called before a client that would make the broker create them on the fly, with partitions of its own choosing.

    Raises:
        ConfigurationError: no broker can be reached, or a topic is missing.
        TransientError: the broker failed to answer.
    """
    wanted = set(names) if names is not None else {topic.name for topic in _topics(settings)}
    async with _admin(settings) as admin:
        missing = wanted - await _Cluster(admin).names()
    if missing:
        raise missing_topics(settings, missing)


def missing_topics(settings: Settings, names: Iterable[str]) -> ConfigurationError:
    """What to tell when topics do not exist."""
    return ConfigurationError(
        f"the broker at {settings.bootstrap_servers} lacks the topics {', '.join(sorted(names))}; create them with "
        "`moderation topics apply`"
    )


def _topics(settings: Settings) -> tuple[Topic, ...]:
    return configured_topics(load_topics(), settings.streaming)


def _admin(settings: Settings) -> AbstractAsyncContextManager[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**kafka_arguments(settings))
    return connected(admin, settings, admin.close)


class _Cluster:
    """The answers of an admin client as values, and its failures as ours."""

    def __init__(self, admin: AIOKafkaAdminClient) -> None:
        self._admin = admin

    async def names(self) -> set[str]:
        try:
            return set(await self._admin.list_topics())
        except KafkaError as error:
            raise _failed("list its topics", error) from None

    async def compare(self, topics: tuple[Topic, ...]) -> tuple[TopicState, ...]:
        # Asking some brokers to describe a topic that does not exist creates it: list first.
        present = await self.names() & {topic.name for topic in topics}
        try:
            brokers = len((await self._admin.describe_cluster())["brokers"])
            found = await self._describe(sorted(present)) if present else {}
        except KafkaError as error:
            raise _failed("describe its topics", error) from None
        return tuple(
            TopicState(topic=topic, exists=True, differences=differences(topic, found[topic.name], brokers))
            if topic.name in found
            else TopicState(topic=topic, exists=False)
            for topic in topics
        )

    async def create(self, topics: list[Topic]) -> None:
        if not topics:
            return
        try:
            brokers = len((await self._admin.describe_cluster())["brokers"])
            answer = await self._admin.create_topics([_new_topic(topic, brokers) for topic in topics])
        except KafkaError as error:
            raise _failed("create topics", error) from None
        for name, code, *_ in answer.topic_errors:
            # Somebody else may have created it since we looked.
            if code and for_code(code) is not TopicAlreadyExistsError:
                raise ConfigurationError(
                    f"the broker refused to create the topic {name}: {for_code(code).__name__}; check its limits and "
                    "this user's rights"
                )

    async def _describe(self, names: list[str]) -> dict[str, FoundTopic]:
        configurations = await self._configurations(names)
        described: list[dict[str, Any]] = await self._admin.describe_topics(names)
        return {
            entry["topic"]: FoundTopic(
                partitions=len(entry["partitions"]),
                replication=min((len(part["replicas"]) for part in entry["partitions"]), default=0),
                configuration=configurations.get(entry["topic"], {}),
            )
            for entry in described
            if not entry["error_code"]
        }

    async def _configurations(self, names: list[str]) -> dict[str, dict[str, str]]:
        answers = await self._admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
        return {
            name: {entry[0]: entry[1] for entry in entries}
            for answer in answers
            for _code, _message, _kind, name, entries in answer.resources
        }


def _new_topic(topic: Topic, brokers: int) -> NewTopic:
    replication = replication_on(topic, brokers)
    return NewTopic(
        name=topic.name,
        num_partitions=topic.partitions,
        replication_factor=replication,
        topic_configs=topic.broker_configuration(replication),
    )


def _failed(what: str, error: KafkaError) -> TransientError:
    return TransientError(f"the broker did not {what} ({type(error).__name__}); try again, and look at its log")
