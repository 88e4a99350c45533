"""Topics on a real broker."""

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from moderation.client.admin import apply_topics, check_topics, require_topics
from moderation.contracts.topics import load_topics
from moderation.errors import ConfigurationError
from moderation.settings import Settings

pytestmark = pytest.mark.integration

TOPICS = len(load_topics())


async def test_missing_topics_are_created_and_then_are_as_they_should_be(settings: Settings) -> None:
    assert [state.exists for state in await check_topics(settings)] == [False] * TOPICS
    assert all(state.created for state in await apply_topics(settings))
    states = await check_topics(settings)
    assert [state.exists for state in states] == [True] * TOPICS
    assert [state.differences for state in states] == [()] * TOPICS


async def test_applying_twice_changes_nothing(settings: Settings) -> None:
    await apply_topics(settings)
    assert not any(state.created or state.differences for state in await apply_topics(settings))


async def test_a_topic_that_falls_short_is_reported_and_left_as_it_is(settings: Settings) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    await admin.start()
    name = settings.streaming.flags_topic
    await admin.create_topics([NewTopic(name, 2, 1, topic_configs={"retention.ms": "60000"})])
    await admin.close()
    for states in (await apply_topics(settings), await check_topics(settings)):
        (flags,) = (state for state in states if state.topic.name == name)
        assert not flags.created
        assert flags.differences == (
            "has 2 partitions and should have 12",
            "retention.ms is 60000 and should be 2592000000",
        )


async def test_looking_for_topics_does_not_create_them(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="moderation topics apply"):
        await require_topics(settings)
    with pytest.raises(ConfigurationError, match=settings.streaming.flags_topic):
        await require_topics(settings, [settings.streaming.flags_topic])
    assert not any(state.exists for state in await check_topics(settings))
    await apply_topics(settings)
    await require_topics(settings)


async def test_an_address_where_nobody_answers_is_told(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"broker": "127.0.0.1:1"})
    for call in (apply_topics, check_topics, require_topics):
        with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1:1 .*`moderation broker`"):
            await call(nowhere)  # type: ignore[operator]
