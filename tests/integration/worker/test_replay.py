"""Poison is listed, replayed once, comes back once with the marker, and is not replayed again."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from click.testing import CliRunner, Result
from support.running import environment_of
from support.voices import DEADLINE_S

from moderation.cli.group import moderation
from moderation.client.connection import kafka_arguments
from moderation.client.reader import EventReader, Received
from moderation.contracts.cloudevents import event_id
from moderation.contracts.replay import REPLAY_OF
from moderation.events import DeadLetter
from moderation.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

LETTERS = 3


async def test_poison_that_is_replayed_comes_back_once_and_is_never_replayed_again(
    settings: Settings, worker_log: object
) -> None:
    key = uuid4().hex.encode()
    values = [b"no chunk %d" % number for number in range(LETTERS)]
    async with AIOKafkaProducer(**kafka_arguments(settings)) as producer:
        for value in values:
            await producer.send_and_wait(settings.streaming.audio_topic, value, key=key, headers=[("x-case", value)])
    first = await letters_of(settings, key, LETTERS)
    listed = await moderation_says(settings, "dead-letters", "--code", "unknown_framing", "--json")
    assert json.loads(listed.stdout)["count"] == LETTERS

    replayed = await moderation_says(settings, "dead-letters", "replay", "--code", "unknown_framing", "--json")
    assert (replayed.exit_code, json.loads(replayed.stdout)) == (0, {"replayed": LETTERS})
    letters = await letters_of(settings, key, 2 * LETTERS)
    came_back = letters[LETTERS:]
    assert [letter.value for letter in came_back] == values
    assert {letter.partition for letter in letters} == {first[0].partition}
    assert [letter.headers for letter in came_back] == [
        (("x-case", letter.value), (REPLAY_OF, event_id(letter).encode())) for letter in first
    ]

    second = await moderation_says(settings, "dead-letters", "replay", "--all", "--json")
    expected = {"already_replayed": LETTERS, "failed_replay": LETTERS}
    assert (second.exit_code, json.loads(second.stdout)) == (0, expected)
    async with EventReader.audio(settings) as reader:
        assert len([item async for item in reader.received()]) == 2 * LETTERS


async def moderation_says(settings: Settings, *arguments: str) -> Result:
    """Run a command as a user would, beside the event loop of the test."""
    environment: dict[str, Any] = environment_of(settings)
    return await asyncio.to_thread(CliRunner().invoke, moderation, arguments, env=environment)


async def letters_of(settings: Settings, key: bytes, count: int) -> list[DeadLetter]:
    """The first so many dead letters of a key, in the order of their originals."""
    found: list[DeadLetter] = []
    async with asyncio.timeout(DEADLINE_S), EventReader.dead_letters(settings, follow=True, beginning=True) as reader:
        async for item in reader.received():
            assert isinstance(item, Received)
            if item.event.key == key:
                found.append(item.event)
            if len(found) == count:
                break
    return sorted(found, key=lambda letter: letter.offset)
