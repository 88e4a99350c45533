"""`moderation doctor`: what it writes, and its exit code."""

import json

import pytest
from click.testing import CliRunner

from moderation.cli import checks
from moderation.cli.checks import Finding
from moderation.cli.doctor import command
from moderation.settings import Settings

OK = Finding(area="disk", level="ok", what="fine")
NOTE = Finding(area="memory", level="warning", what="little", advice="buy some")
WRONG = Finding(area="broker", level="problem", what="gone", advice="start it")


def _run(monkeypatch, findings, *arguments):
    monkeypatch.setattr(checks, "all_checks", lambda settings: iter(findings))
    return CliRunner().invoke(command, arguments, obj=Settings())


@pytest.mark.parametrize(("findings", "code"), [([OK], 0), ([OK, NOTE], 0), ([OK, WRONG, NOTE], 1)])
def test_only_problems_make_the_exit_code_1(monkeypatch, findings, code):
    assert _run(monkeypatch, findings).exit_code == code


def test_people_read_what_to_do(monkeypatch):
    lines = _run(monkeypatch, [OK, WRONG]).output.splitlines()
    assert lines == ["ok     disk: fine", "WRONG  broker: gone", "       -> start it"]


def test_programs_read_one_object_a_line(monkeypatch):
    result = _run(monkeypatch, [OK, WRONG], "--json")
    first, second = map(json.loads, result.stdout.splitlines())
    assert first == {"area": "disk", "level": "ok", "what": "fine", "advice": None}
    assert second["advice"] == "start it"
    assert result.stderr == ""
