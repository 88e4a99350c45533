"""Every flag is shown with all that the table promises."""

import io

import pytest
from rich.console import Console

from moderation.demo.table import FlagTable
from moderation.events import Severity
from moderation.presenting import reasons

TWO = (("insult", 0.91, Severity.LOW), ("threat", 0.85, Severity.HIGH), ("insult", 0.4, Severity.LOW))


def shown(seen, *, terminal: bool, plain: bool = False, width: int = 160) -> str:
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=width, color_system=None)
    with FlagTable(console, plain=plain) as table:
        table.heading()
        table.progress("playing")
        table.show(seen)
    return output.getvalue()


def test_categories_are_shown_once_with_their_best_score_worst_first(flag):
    assert reasons(flag(detections=TWO).flag.detections) == "threat 0.85, insult 0.91"


@pytest.mark.parametrize("terminal", [True, False])
def test_a_row_holds_who_what_and_how_late(flag, terminal):
    output = shown(flag(detections=TWO, latency_ms=1234), terminal=terminal)
    for part in ("m", "p", "en", "high", "review", "threat 0.85, insult 0.91", "you ***", "1.23 s"):
        assert part in output


def test_headings_stand_over_their_columns(flag):
    lines = shown(flag(), terminal=False).splitlines()
    heading, row = lines[0], lines[1]
    for name, value in (("session", "m"), ("severity", "medium"), ("categories", "insult"), ("transcript", "you")):
        assert row[heading.index(name) :].startswith(value)


@pytest.mark.parametrize(("terminal", "plain"), [(False, False), (True, True)])
def test_without_a_terminal_or_when_plain_a_flag_is_one_line_and_progress_is_not_shown(flag, terminal, plain):
    output = shown(flag(text="word " * 60), terminal=terminal, plain=plain, width=80)
    assert len(output.splitlines()) == 2
    assert "playing" not in output


def test_on_a_terminal_the_progress_is_shown(flag):
    assert "playing" in shown(flag(), terminal=True)


def test_the_text_of_a_flag_is_never_taken_for_markup(flag):
    assert "[PHONE] [bold]" in shown(flag(text="call [PHONE] [bold]"), terminal=True)


def test_a_flag_that_was_withdrawn_is_shown_as_withdrawn(flag):
    assert "you *** (withdrawn)" in shown(flag(detections=()), terminal=False)


def test_a_provisional_flag_shows_that_more_follows(flag):
    assert "you *** ..." in shown(flag(provisional=True), terminal=False)


def test_a_narrow_terminal_folds_cells_and_hides_nothing(flag):
    output = shown(flag(detections=TWO, text="who are you"), terminal=True, width=80)
    assert all(len(line) <= 80 for line in output.splitlines() if "\x1b" not in line)
    letters = "".join(output.split())
    for part in ("threat", "insult", "0.91", "who", "you", "0.80"):
        assert part in letters
