from pathlib import Path

import pytest

from loadtest.soak import SoakPlan, run_soak
from moderation.contracts.codecs import Codecs

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


def test_a_short_soak_loses_nothing_and_tells_the_memory_of_every_process(
    codecs: Codecs, quick: dict[str, object], tmp_path: Path
) -> None:
    plan = SoakPlan(seconds=20.0, streams=6, seed=2, tail_s=3.0, max_growth_mb=400.0, settings=quick)
    report = run_soak(plan, codecs, tmp_path, lambda _: None)
    assert report.is_right, report.to_json()
    assert report.observed.report().flags_found > 0
    assert {"worker", "engine_server"} <= {usage.name.rsplit("-", 1)[0] for usage in report.usages}
