import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from support.running import running_worker, settings_for

from moderation.client.admin import apply_topics
from moderation.settings import Settings


@pytest.fixture(scope="module")
def settings(bootstrap: str) -> Settings:
    """Settings of this module's own topics, which exist."""
    settings = settings_for(bootstrap, uuid4().hex[:8])
    asyncio.run(apply_topics(settings))
    return settings


@pytest.fixture(scope="module")
def worker_log(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One worker for the tests of this module; the value is its log."""
    folder = tmp_path_factory.mktemp("worker")
    with running_worker(settings, folder):
        yield folder / "worker.log"
