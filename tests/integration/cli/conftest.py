import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from click.testing import CliRunner, Result

from moderation.cli.group import moderation
from moderation.contracts.catalogue import locate


@pytest.fixture
def environment(bootstrap: str) -> dict[str, str]:
    """Settings for the commands, with topics that no other test has."""
    unique = uuid.uuid4().hex[:8]
    names = {
        "AUDIO": "audio",
        "TRANSCRIPTS": "transcripts",
        "FLAGS": "flags",
        "DEAD_LETTERS": "dead-letters",
        "RESUME_MARKS": "resume-marks",
        "REPLAYS": "replays",
    }
    topics = {f"MODERATION_STREAMING__{key}_TOPIC": f"{name}-{unique}" for key, name in names.items()}
    return {"MODERATION_BROKER": bootstrap, **topics}


@pytest.fixture
def call(environment: dict[str, str]) -> Callable[..., Result]:
    """Runs `moderation` with arguments."""

    def run(*arguments: str, **env: str) -> Result:
        return CliRunner().invoke(moderation, arguments, env={**environment, **env})

    return run


@pytest.fixture
def publish(environment: dict[str, str]) -> Callable[..., None]:
    """Writes the bytes of schema examples, or given bytes, to a topic."""

    def write(topic: str, *values: str | bytes) -> None:
        examples = locate("schemas") / "examples"
        data = [(examples / value).read_bytes() if isinstance(value, str) else value for value in values]
        asyncio.run(_produce(environment["MODERATION_BROKER"], environment[topic], data))

    return write


async def _produce(bootstrap: str, topic: str, values: list[bytes]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    for value in values:
        await producer.send_and_wait(topic, value, key=b"one key, so one order")
    await producer.stop()


@pytest.fixture
def json_lines() -> Callable[[str], list[dict[str, Any]]]:
    """The objects of JSON lines."""
    return lambda text: [json.loads(line) for line in text.splitlines()]
