"""The report of an evaluation names what went wrong."""

import io
import json

from rich.console import Console

from moderation.demo.manifest import Clip
from moderation.demo.score_report import evaluation_json, evaluation_tables
from moderation.demo.scoring import Heard, evaluate
from moderation.events import Severity

CLIP = Clip.model_validate(
    {
        "id": "one",
        "voice": "oak",
        "text": "you fool",
        "expect": {"flagged": True, "severity": "medium", "toxicity": ["insult", "toxicity"]},
    }
)
RIGHT = Heard(
    text="You fool.",
    language="en",
    flagged=True,
    severity=Severity.HIGH,
    categories=frozenset({"insult", "toxicity"}),
)
WRONG = Heard(
    text="You pool.", language="de", flagged=True, severity=Severity.LOW, categories=frozenset({"threat", "toxicity"})
)


def shown(*heard: Heard) -> str:
    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(evaluation_tables(evaluate([(CLIP, one) for one in heard])))
    return console.export_text()


def test_a_faulty_clip_is_listed_with_every_fault():
    line = next(line for line in shown(RIGHT, WRONG).splitlines() if line.startswith("one "))
    for fault in ("low, medium expected", "missed insult", "false threat", "language de", "fool > pool"):
        assert fault in line


def test_when_nothing_is_wrong_the_report_says_so():
    assert "Every clip was heard and judged as expected." in shown(RIGHT)


def test_rates_are_shown_with_what_they_count():
    report = shown(RIGHT, WRONG)
    assert "25.0% (1 errors in 4 words)" in report
    assert "precision 100.0%, recall 100.0% (2 right, 0 false, 0 missed)" in report


def test_the_json_holds_totals_and_every_clip():
    result = json.loads(json.dumps(evaluation_json(evaluate([(CLIP, WRONG)]))))
    assert result["word_error_rate"] == 0.5
    assert result["categories"]["threat"]["precision"] == 0.0
    assert result["details"][0]["word_errors"] == [{"said": "fool", "heard": "pool"}]
    assert result["details"][0]["missed"] == ["insult"]
    assert not result["details"][0]["right"]
