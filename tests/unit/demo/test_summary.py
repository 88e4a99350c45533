"""The summary says what came back, and what ought to have."""

import io

from rich.console import Console

from moderation.demo.summary import summary_table
from moderation.demo.tally import ClipOutcome, Latency, Summary

SUMMARY = Summary(
    streams=10,
    sessions=2,
    spoken=4,
    clips=(
        ClipOutcome(clip_id="bad-1", expected=True, flagged=True, missed=frozenset()),
        ClipOutcome(clip_id="bad-2", expected=True, flagged=True, missed=frozenset({"threat"})),
        ClipOutcome(clip_id="bad-3", expected=True, flagged=False, missed=frozenset({"insult"})),
        ClipOutcome(clip_id="good-1", expected=False, flagged=True, missed=frozenset()),
        ClipOutcome(clip_id="good-2", expected=False, flagged=False, missed=frozenset()),
    ),
    utterances=5,
    flags=3,
    strays=1,
    by_category={"insult": 2, "threat": 1},
    by_severity={"low": 1, "high": 2},
    latency=Latency(p50_ms=812, p95_ms=1499, max_ms=1600),
    dead_letters=0,
)
EMPTY = Summary(
    streams=1,
    sessions=1,
    spoken=0,
    clips=(),
    utterances=0,
    flags=0,
    strays=0,
    by_category={},
    by_severity={},
    latency=None,
    dead_letters=0,
)


def lines(summary: Summary, first_flag_s: float | None = None) -> dict[str, str]:
    output = io.StringIO()
    Console(file=output, width=140).print(summary_table(summary, first_flag_s=first_flag_s))
    rows = [line.partition("  ") for line in output.getvalue().splitlines()]
    return {name.strip(): value.strip() for name, _, value in rows}


def test_numbers_of_what_came_back_are_shown():
    shown = lines(SUMMARY, 7.25)
    assert shown["streams"] == "10 in 2 sessions"
    assert shown["utterances"] == "5 transcribed, 4 spoken"
    assert shown["flags"] == "3: high 2, low 1"
    assert shown["by category"] == "insult 2, threat 1"
    assert shown["first flag"] == "7.2 s after the start"
    assert shown["latency from end of speech"] == "p50 0.81 s, p95 1.50 s, longest 1.60 s"
    assert shown["dead letters"] == "0"


def test_what_differs_from_the_manifest_is_named():
    shown = lines(SUMMARY)
    assert shown["as expected"] == "2 of 3 offending clips were flagged, 1 of 2 others left alone"
    assert shown["not flagged"] == "bad-3"
    assert shown["flagged without need"] == "good-1"
    assert shown["categories missed"] == "bad-2 (threat)"
    assert shown["flags where nobody spoke"] == "1"


def test_nothing_is_said_of_what_did_not_happen():
    shown = lines(EMPTY)
    assert shown["flags"] == "0"
    assert shown["by category"] == "none"
    assert not {"first flag", "latency from end of speech", "not flagged", "flags where nobody spoke"} & shown.keys()
