import signal
import subprocess
import sys

import pytest

from moderation.cli.stop_signals import SAME_REQUEST_S, StopRequests, Wish

PROGRAM = """
import threading, time
from moderation.cli.stop_signals import StopRequests, on_stop_signals, say_at_once
import os
def leave():
    say_at_once("left")
    os._exit(7)
on_stop_signals(StopRequests(), time.monotonic, stop=lambda: say_at_once("stopping"), leave=leave)
print("ready", flush=True)
lock = threading.Lock()
lock.acquire()
lock.acquire()
"""


def test_the_first_signal_asks_for_an_orderly_end_and_a_later_one_for_an_end_at_once() -> None:
    requests = StopRequests()
    assert requests.told(50.0) is Wish.STOP
    assert requests.told(50.0 + SAME_REQUEST_S) is Wish.LEAVE


def test_a_signal_that_comes_twice_at_once_is_one_request() -> None:
    """GNU timeout, for one, sends a signal to its child and then to its group."""
    requests = StopRequests()
    assert requests.told(50.0) is Wish.STOP
    assert requests.told(50.1) is Wish.SAME
    assert requests.told(52.0) is Wish.LEAVE


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_are_heeded_even_by_a_process_whose_main_thread_waits_for_a_lock(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stderr.readline() == "stopping\n"
        while process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(0.3)
            except subprocess.TimeoutExpired:
                continue
        assert process.returncode == 7
        assert process.stderr.read() == "left\n"
