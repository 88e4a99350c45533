import os
import uuid
from collections.abc import Iterator

import pytest

from moderation.broker.embedded import EmbeddedBroker
from moderation.settings import KafkaSettings, Settings, StreamingSettings


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    """A broker: MODERATION_TEST_BROKER, or an embedded one."""
    given = os.environ.get("MODERATION_TEST_BROKER")
    if given:
        yield given
        return
    with EmbeddedBroker() as broker:
        yield broker.bootstrap_servers


@pytest.fixture
def settings(bootstrap: str) -> Settings:
    """Settings with topics that no other test has."""
    unique = uuid.uuid4().hex[:8]
    return Settings(
        broker=bootstrap,
        kafka=KafkaSettings(request_timeout_s=10),
        streaming=StreamingSettings(
            audio_topic=f"audio-{unique}",
            transcripts_topic=f"transcripts-{unique}",
            flags_topic=f"flags-{unique}",
            dead_letters_topic=f"dead-letters-{unique}",
            publish_timeout_s=10,
        ),
    )
