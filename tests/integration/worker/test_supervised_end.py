"""A worker that does no good any more leaves by itself, with code 1 and a message that says what to do."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.korean_worker import korean_environment

from loadtest.processes import StartedBroker, StartedWorker

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

EXIT_DEADLINE_S = 90.0
SOON = {"STREAMING__STUCK_AFTER_S": 6.0}
"""Has the worker looked at every second."""


def said(worker: StartedWorker) -> str:
    """What it told people; its log says more."""
    lines = [line for line in worker.log.read_text().splitlines() if line.startswith("moderation worker: ")]
    assert len(lines) == 1, worker.log.read_text()[-4_000:]
    return lines[0]


def test_a_worker_that_holds_more_memory_than_it_may_leaves_and_says_so(bootstrap: str, tmp_path: Path) -> None:
    with StartedWorker(tmp_path, korean_environment(bootstrap, tmp_path, STREAMING__MAX_RSS_MB=50, **SOON)) as worker:
        assert worker.wait(EXIT_DEADLINE_S) == 1
    assert "more than 50 MiB (MODERATION_STREAMING__MAX_RSS_MB)" in said(worker)
    assert worker.processes() == []


@contextmanager
def suspendable(broker: StartedBroker) -> Iterator[Callable[[], None]]:
    """What makes a broker stand still until the end."""
    stopped: list[int] = []

    def suspend() -> None:
        for process in broker.processes():
            os.kill(process.pid, signal.SIGSTOP)
            stopped.append(process.pid)

    try:
        yield suspend
    finally:
        for pid in reversed(stopped):
            os.kill(pid, signal.SIGCONT)


def test_a_worker_whose_broker_stays_away_leaves_and_says_so(tmp_path: Path) -> None:
    with StartedBroker(tmp_path) as broker, suspendable(broker) as suspend:
        settings = korean_environment(broker.bootstrap_servers, tmp_path, STREAMING__BROKER_AWAY_S=3.0)
        with StartedWorker(tmp_path, settings) as worker:
            worker.wait_until_ready()
            suspend()
            assert worker.wait(EXIT_DEADLINE_S) == 1
    assert "no broker has answered" in said(worker)
    assert "(MODERATION_STREAMING__BROKER_AWAY_S)" in said(worker)
