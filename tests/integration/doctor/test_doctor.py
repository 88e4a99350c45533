"""`moderation doctor` against a broker."""

import asyncio
from collections.abc import Iterator

import pytest

from moderation.broker.embedded import EmbeddedBroker
from moderation.cli.checks import all_checks, check_topics
from moderation.client.admin import apply_topics
from moderation.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture
def settings(tmp_path) -> Iterator[Settings]:
    with EmbeddedBroker() as broker:
        yield Settings(broker=broker.bootstrap_servers, models_dir=tmp_path / "models")


def test_missing_topics_are_a_problem_until_they_are_applied(settings):
    broker, *before = check_topics(settings)
    assert broker.level == "ok"
    assert {finding.level for finding in before} == {"problem"}
    assert {finding.advice for finding in before} == {"moderation topics apply"}
    asyncio.run(apply_topics(settings))
    _, *after = check_topics(settings)
    assert len(after) == len(before)
    assert "problem" not in {finding.level for finding in after}


def test_every_check_runs_and_changes_nothing(settings):
    areas = {finding.area for finding in all_checks(settings)}
    assert {"packages", "speech, en", "toxicity", "policy", "vocabulary", "broker", "disk", "memory"} <= areas
    assert not settings.models_dir.exists()
