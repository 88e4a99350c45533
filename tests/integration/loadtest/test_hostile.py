from pathlib import Path

import pytest

from loadtest.hostile import HostilePlan, run_hostile
from moderation.contracts.codecs import Codecs
from moderation.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


def test_hostile_chunks_become_dead_letters_or_nothing_and_honest_streams_do_not_notice(
    codecs: Codecs, quick: dict[str, object], tmp_path: Path
) -> None:
    told: list[str] = []
    plan = HostilePlan(chunks=2_500, good_streams=3, round_s=12.0, settings=quick)
    report = run_hostile(plan, Settings(), codecs, tmp_path, told.append)
    assert report.is_right, report.to_json()
    assert report.account.sent == 2_500
    assert report.account.refused > 1_000
    assert report.neighbours.turns > 0
