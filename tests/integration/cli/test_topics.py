"""`moderation topics` against a broker."""

from collections.abc import Callable

import pytest
from click.testing import Result

pytestmark = pytest.mark.integration

Call = Callable[..., Result]


def test_check_fails_until_the_topics_were_applied(call: Call) -> None:
    before = call("topics", "check")
    assert before.exit_code == 1
    assert [line.split("\t")[1] for line in before.stdout.splitlines()] == ["missing"] * 6
    applied = call("topics", "apply")
    assert applied.exit_code == 0
    assert [line.split("\t")[1] for line in applied.stdout.splitlines()] == ["created"] * 6
    again = call("topics", "apply")
    assert [line.split("\t")[1] for line in again.stdout.splitlines()] == ["exists"] * 6
    after = call("topics", "check")
    assert after.exit_code == 0
    assert [line.split("\t")[1] for line in after.stdout.splitlines()] == ["ok"] * 6


def test_list_needs_no_broker(call: Call, json_lines: Callable[..., list[dict[str, str]]]) -> None:
    listed = call("topics", "list", "--json", MODERATION_BROKER="127.0.0.1:1")
    assert listed.exit_code == 0
    topics = json_lines(listed.stdout)
    assert {topic["schema"] for topic in topics} == {
        "audio_chunk",
        "transcript",
        "moderation_flag",
        "dead_letter",
        "resume_mark",
        "dead_letter_replay",
    }
    for_people = call("topics", "list", MODERATION_BROKER="127.0.0.1:1").stdout
    assert all(topic["name"] in for_people and topic["owner"] in for_people for topic in topics)


@pytest.mark.parametrize("command", [["topics", "check"], ["topics", "apply"], ["flags"], ["transcripts", "--follow"]])
def test_a_broker_that_does_not_answer_is_told_in_one_line(call: Call, command: list[str]) -> None:
    result = call(*command, MODERATION_BROKER="127.0.0.1:1")
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert "127.0.0.1:1" in line
    assert "`moderation broker`" in line
