"""`moderation flags` and `moderation transcripts` against a broker."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from moderation.contracts.catalogue import locate

pytestmark = pytest.mark.integration

Call = Callable[..., Result]
FLAGS, TRANSCRIPTS = "MODERATION_STREAMING__FLAGS_TOPIC", "MODERATION_STREAMING__TRANSCRIPTS_TOPIC"


def _example(path: str) -> dict[str, Any]:
    loaded = json.loads((locate("schemas") / "examples" / path).read_text())
    assert isinstance(loaded, dict)
    return loaded


def test_flags_as_json_are_the_events_and_nothing_else(call: Call, publish: Any, json_lines: Any) -> None:
    call("topics", "apply")
    publish(FLAGS, "moderation_flag.v1/insult.bin", "moderation_flag.v1/provisional.bin")
    result = call("flags", "--json")
    assert result.exit_code == 0
    assert json_lines(result.stdout) == [
        _example("moderation_flag.v1/insult.json") | {"missing": []},
        _example("moderation_flag.v1/provisional.json") | {"missing": []},
    ]
    assert result.stderr == ""


def test_transcripts_as_json_are_the_events(call: Call, publish: Any, json_lines: Any) -> None:
    call("topics", "apply")
    publish(TRANSCRIPTS, "transcript.v1/final.bin", "transcript.v1/partial.bin")
    lines = json_lines(call("transcripts", "--json").stdout)
    assert [line["is_final"] for line in lines] == [True, False]


def test_flags_for_people_are_a_table(call: Call, publish: Any) -> None:
    call("topics", "apply")
    publish(FLAGS, "moderation_flag.v1/insult.bin", "moderation_flag.v1/provisional.bin")
    table = call("flags", COLUMNS="200").stdout
    assert "severity" in table.splitlines()[0]
    assert "player-7" in table
    assert "insult 0.91, PHONE 1.00" in table
    assert "you are an idiot call [PHONE]" in table
    assert "(provisional)" in table


def test_transcripts_for_people_are_a_table(call: Call, publish: Any) -> None:
    call("topics", "apply")
    publish(TRANSCRIPTS, "transcript.v1/final.bin", "transcript.v1/partial.bin")
    table = call("transcripts", COLUMNS="200").stdout
    assert "whisper:tiny.en" in table
    assert "you are an idiot call [PHONE]" in table
    assert "you are an …" in table


def test_an_empty_topic_shows_nothing(call: Call) -> None:
    call("topics", "apply")
    result = call("flags", "--json")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_a_message_that_cannot_be_decoded_is_told_on_stderr_alone(call: Call, publish: Any, json_lines: Any) -> None:
    call("topics", "apply")
    publish(FLAGS, b"nonsense", "moderation_flag.v1/insult.bin")
    result = call("flags", "--json")
    assert result.exit_code == 0
    assert len(json_lines(result.stdout)) == 1
    assert "offset 0: unknown_framing" in result.stderr


def test_following_ends_cleanly_on_ctrl_c(call: Call, publish: Any, environment: dict[str, str]) -> None:
    call("topics", "apply")
    publish(FLAGS, "moderation_flag.v1/insult.bin")
    process = subprocess.Popen(
        [sys.executable, "-m", "moderation", "flags", "--follow", "--from-beginning", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert first["flag_id"] == _example("moderation_flag.v1/insult.json")["flag_id"]
    assert process.returncode == 130
    assert b"Traceback" not in errors
