import os
from collections.abc import Iterator

import pytest

from moderation.broker.embedded import EmbeddedBroker


@pytest.fixture(scope="session")
def bootstrap() -> Iterator[str]:
    """The broker under test: MODERATION_TEST_BROKER (`host:port` of any Kafka), or an embedded one."""
    if given := os.environ.get("MODERATION_TEST_BROKER"):
        yield given
        return
    with EmbeddedBroker() as broker:
        yield broker.bootstrap_servers
