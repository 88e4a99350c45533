"""A worker that is told to stop while its group gathers."""

import time
from pathlib import Path

import pytest
from support.korean_worker import korean_environment

from loadtest.processes import StartedWorker

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

PATIENCE_S = 60.0


def wait_for_line(worker: StartedWorker, text: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while text not in worker.log.read_text():
        assert time.monotonic() < deadline, worker.log.read_text()
        time.sleep(0.1)


def test_it_ends_in_order_without_waiting_for_the_others(bootstrap: str, tmp_path: Path) -> None:
    # A group gathers for at most the rebalance timeout; this one is longer than the worker has for its end.
    environment = korean_environment(
        bootstrap, tmp_path, KAFKA__REBALANCE_TIMEOUT_S=60, KAFKA__SESSION_TIMEOUT_S=60, STREAMING__EXIT_DEADLINE_S=20
    )
    with StartedWorker(tmp_path, environment, name="standing") as standing:
        standing.wait_until_ready()
        standing.suspend()
        with StartedWorker(tmp_path, environment, name="joining") as joining:
            wait_for_line(joining, "partitions_revoked")
            joining.terminate()
            joining.wait(PATIENCE_S)
            told = joining.log.read_text()
            assert joining.exit_code == 0, told
            assert "worker_stopped" in told
            assert "partitions_assigned" not in told
        standing.resume()
