import pytest

from loadtest.run import Plan, Run
from moderation.contracts.codecs import load_codecs
from moderation.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


async def test_a_load_test_finds_the_flags_that_it_planted(settings: Settings, worker_log: object) -> None:
    plan = Plan(
        bootstrap=settings.bootstrap_servers,
        streams=3,
        seconds=14.0,
        talk_ratio=0.4,
        seed=3,
        audio_topic=settings.streaming.audio_topic,
        transcripts_topic=settings.streaming.transcripts_topic,
        flags_topic=settings.streaming.flags_topic,
        dead_letters_topic=settings.streaming.dead_letters_topic,
    )
    told: list[str] = []
    report = await Run(plan, load_codecs(settings), on_progress=told.append).play()
    assert report.chunks_sent == 3 * 70
    assert report.flags_planted > 0
    assert report.flags_found >= report.flags_planted / 2
    assert report.dead_letters == 0
    assert report.p50_ms is not None
    assert told
