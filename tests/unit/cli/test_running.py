"""What aiokafka says while a command runs."""

import logging

import pytest

from moderation.cli.running import run_client


async def _talk() -> str:
    for attempt in range(3):
        logging.getLogger("aiokafka").error("Unable connect to node with id %s", attempt)
        logging.getLogger("aiokafka").error('Unable connect to "%s:%s": %s', "host", 1, attempt)
        logging.getLogger("aiokafka.producer.sender").warning("Got error produce response: %s", attempt)
        logging.getLogger("aiokafka.conn").info("Authenticated")
    return "done"


def test_each_thing_is_told_once_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_client(_talk()) == "done"
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == ["Unable connect to node with id 0", "Got error produce response: 0"]


def test_afterwards_logging_is_as_before() -> None:
    logger = logging.getLogger("aiokafka")
    before = logger.propagate, list(logger.handlers)
    run_client(_talk())
    assert (logger.propagate, list(logger.handlers)) == before
