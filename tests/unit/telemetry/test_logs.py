"""Logs: their form, and that nothing that was said gets into them."""

import asyncio
import gc
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

import numpy as np
import pytest
import structlog

from moderation.errors import ConfigurationError
from moderation.settings import TelemetrySettings
from moderation.telemetry.logs import configure_logs

SECRET = "SAID-IN-CONFIDENCE"


@dataclass
class Spoken:
    """Something whose repr tells what was said."""

    what: str


class Colour(StrEnum):
    """Any enum."""

    RED = "red"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Leave logging as it was."""
    root, ours = logging.getLogger(), logging.getLogger("moderation")
    before = list(root.handlers), root.level, ours.level, sys.excepthook, threading.excepthook
    yield
    root.handlers[:], level, our_level, sys.excepthook, threading.excepthook = before
    root.setLevel(level)
    ours.setLevel(our_level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def output() -> io.StringIO:
    output = io.StringIO()
    configure_logs(TelemetrySettings(log_format="json", log_level="debug"), output)
    return output


def _lines(output: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def _raise(error: Exception) -> None:
    raise error


def test_a_line_tells_when_who_how_bad_and_what(output):
    structlog.get_logger("moderation.some.where").info("thing_done", count=3)
    (line,) = _lines(output)
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset().total_seconds() == 0
    assert line == {"event": "thing_done", "level": "info", "logger": "moderation.some.where", "count": 3}


def test_bound_context_is_in_every_line(output):
    with structlog.contextvars.bound_contextvars(stream_id="s-1"):
        structlog.get_logger("moderation").info("inside")
    structlog.get_logger("moderation").info("outside")
    inside, outside = _lines(output)
    assert inside["stream_id"] == "s-1"
    assert "stream_id" not in outside


def test_less_than_the_level_is_not_logged():
    output = io.StringIO()
    configure_logs(TelemetrySettings(log_format="json", log_level="warning"), output)
    structlog.get_logger("moderation").info("unimportant")
    structlog.get_logger("moderation").warning("important")
    assert [line["event"] for line in _lines(output)] == ["important"]


def test_libraries_speak_through_the_same_renderer_from_warning_up(output):
    for name in ("faust", "aiokafka.consumer", "some.library"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("lost %d of %s", 3, "things")
    assert [line["event"] for line in _lines(output)] == ["lost 3 of things"] * 3
    assert {line["logger"] for line in _lines(output)} == {"faust", "aiokafka.consumer", "some.library"}


def test_configuring_twice_logs_once(output):
    configure_logs(TelemetrySettings(log_format="json"), output)
    structlog.get_logger("moderation").warning("once")
    assert len(_lines(output)) == 1


def test_the_console_form_is_for_people():
    output = io.StringIO()
    configure_logs(TelemetrySettings(log_format="console"), output)
    structlog.get_logger("moderation").info("thing_done", count=3)
    assert "thing_done" in output.getvalue()
    assert "count=3" in output.getvalue()
    assert "\x1b" not in output.getvalue()


def test_ids_counts_and_codes_pass(output):
    structlog.get_logger("moderation").info(
        "x", stream_id="s", ratio=0.5, ok=True, none=None, at=datetime(2026, 1, 1, tzinfo=UTC), colour=Colour.RED,
        path=Path("/a"), measured=np.float32(0.25), numbers=[1, 2], nested={"a": {"b": 1}},
    )  # fmt: skip
    (line,) = _lines(output)
    del line["timestamp"], line["event"], line["level"], line["logger"]
    assert line == {
        "stream_id": "s", "ratio": 0.5, "ok": True, "none": None, "at": "2026-01-01T00:00:00+00:00", "colour": "red",
        "path": "/a", "measured": 0.25, "numbers": [1, 2], "nested": {"a": {"b": 1}},
    }  # fmt: skip


class TestWhatWasSaid:
    """Marked secrets, by every way that they could take."""

    @pytest.mark.parametrize("log_format", ["json", "console"])
    @pytest.mark.parametrize(
        "fields",
        [
            {"text": SECRET},
            {"Transcript": SECRET},
            {"words": [SECRET]},
            {"payload": SECRET.encode()},
            {"audio": SECRET},
            {"nested": {"deep": [{"text": SECRET}]}},
            {"value": SECRET.encode()},
            {"value": bytearray(SECRET.encode())},
            {"outcome": Spoken(SECRET)},
            {"outcomes": (Spoken(SECRET), {"a": Spoken(SECRET)})},
            {"error": ValueError(SECRET)},
            {"samples": SECRET},
        ],
    )
    def test_it_does_not_pass_as_a_field(self, fields, log_format):
        output = io.StringIO()
        configure_logs(TelemetrySettings(log_format=log_format), output)
        structlog.get_logger("moderation").warning("event", **fields)
        assert "event" in output.getvalue()
        assert SECRET not in output.getvalue()

    @pytest.mark.parametrize("log_format", ["json", "console"])
    def test_it_does_not_pass_as_the_text_of_an_exception_or_of_its_causes(self, log_format):
        output = io.StringIO()
        configure_logs(TelemetrySettings(log_format=log_format), output)
        try:
            try:
                _raise(KeyError(SECRET))
            except KeyError as error:
                raise ValueError(SECRET) from error
        except ValueError:
            structlog.get_logger("moderation").exception("failed", stack_info=True)
            logging.getLogger("faust").exception("agent crashed")
        assert output.getvalue().count("ValueError") == 2
        assert "KeyError" in output.getvalue()
        assert "in _raise" in output.getvalue()
        assert SECRET not in output.getvalue()

    @pytest.mark.parametrize(
        ("template", "arguments"),
        [
            ("crashed: %r", (ValueError(SECRET),)),
            ("record %s", (Spoken(SECRET),)),
            ("%(error)s", ({"error": ValueError(SECRET)},)),
            ("value %r at %d", (SECRET.encode(), 4)),
            ("first line\nthen " + SECRET, ()),
            ("many: %s", ([Spoken(SECRET), SECRET.encode()],)),
        ],
    )
    def test_it_does_not_pass_through_a_library(self, output, template, arguments):
        logging.getLogger("faust.agents").error(template, *arguments)
        assert len(_lines(output)) == 1
        assert SECRET not in output.getvalue()

    def test_it_does_not_pass_when_a_task_fails_and_nobody_looks(self, output):
        async def fail() -> None:
            raise ValueError(SECRET)

        async def main() -> None:
            task = asyncio.create_task(fail())
            await asyncio.wait([task])
            del task
            gc.collect()

        asyncio.run(main())
        assert "never retrieved" in output.getvalue()
        assert SECRET not in output.getvalue()

    def test_it_does_not_pass_when_nobody_catches(self, output):
        error = ValueError(SECRET)
        sys.excepthook(type(error), error, None)
        assert _lines(output)[0]["exception"] == "ValueError"
        assert SECRET not in output.getvalue()

    def test_it_does_not_pass_when_a_thread_fails(self, output):
        thread = threading.Thread(target=_raise, args=(ValueError(SECRET),), name="worker-1")
        thread.start()
        thread.join()
        (line,) = _lines(output)
        assert line["thread"] == "worker-1"
        assert SECRET not in output.getvalue()


def test_our_own_errors_say_what_to_do(output):
    try:
        _raise(ConfigurationError("set MODERATION_BROKER"))
    except ConfigurationError:
        structlog.get_logger("moderation").error("failed", exc_info=True)
    (line,) = _lines(output)
    assert line["exception"] == "ConfigurationError: set MODERATION_BROKER"
    assert line["exception_at"][-1].startswith("unit/telemetry/test_logs.py:")


def test_an_interrupt_is_no_error(output, capsys):
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert output.getvalue() == ""
    assert "KeyboardInterrupt" in capsys.readouterr().err


def test_a_library_whose_message_does_not_fit_its_arguments_is_still_heard(output):
    logging.getLogger("library").warning("took %d s", Decimal(3))
    assert _lines(output)[0]["event"] == "took %d s"


def test_ids_cannot_forge_lines_or_colours():
    output = io.StringIO()
    configure_logs(TelemetrySettings(log_format="console"), output)
    structlog.get_logger("moderation").info("x", stream_id="a\nforged line\x1b[31m")
    assert len(output.getvalue().splitlines()) == 1
    assert "\x1b" not in output.getvalue()


def test_endless_text_is_cut(output):
    structlog.get_logger("moderation").info("x", stream_id="a" * 10_000, many=list(range(1_000)))
    (line,) = _lines(output)
    assert len(line["stream_id"]) == 303
    assert len(line["many"]) == 20
