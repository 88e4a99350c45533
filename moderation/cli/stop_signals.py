"""What SIGTERM and Ctrl-C mean to a process that takes its time to end."""

import os
import signal
from collections.abc import Callable
from enum import Enum
from types import FrameType

SAME_REQUEST_S = 1.0
"""Signals this close are one request: wrappers send one to a process and again to its group."""


class Wish(Enum):
    """What whoever sent a signal wants."""

    STOP = "stop"
    """End in order."""
    SAME = "same"
    """What was asked for already."""
    LEAVE = "leave"
    """End at once."""


class StopRequests:
    """The first signal asks for an orderly end; another one, a second or more later, for an end at once."""

    def __init__(self) -> None:
        self._since_s: float | None = None

    def told(self, now_s: float) -> Wish:
        """A signal came at that time (of a monotonic clock)."""
        if self._since_s is None:
            self._since_s = now_s
            return Wish.STOP
        return Wish.SAME if now_s - self._since_s < SAME_REQUEST_S else Wish.LEAVE


def on_stop_signals(
    requests: StopRequests, now_s: Callable[[], float], *, stop: Callable[[], None], leave: Callable[[], None]
) -> None:
    """Have SIGTERM and SIGINT call `stop` and `leave` from the main thread, between any two steps of it.

    Not handlers of the event loop: those would wait for ever for a loop that is blocked.
    """

    def handle(_number: int, _frame: FrameType | None) -> None:
        match requests.told(now_s()):
            case Wish.STOP:
                stop()
            case Wish.LEAVE:
                leave()
            case Wish.SAME:
                pass

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)


def say_at_once(sentence: str) -> None:
    """Write a line to stderr past its buffer, which the code that a signal interrupted may be using."""
    os.write(2, f"{sentence}\n".encode())
