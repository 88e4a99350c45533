"""When a process that crashed may be started again, and when that is no use. Pure: it is told the time.

Times are seconds of a monotonic clock.
"""

from collections import Counter
from dataclasses import dataclass

_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 5.0


@dataclass(frozen=True, slots=True)
class _Crash:
    at_s: float
    utterance: int | None


class CrashHistory:
    """The crashes of an engine's processes in the last `window_s` seconds.

    The first restart is immediate; each further crash within the window doubles the wait, from 0.1 s to at most 5 s.

    An engine is broken when it crashed more than `max_crashes` times, unless a single utterance caused more than half
    of that: such an utterance is at fault itself, kills every process it is given to, and is given up by the caller
    after its own deadline; the others are served in between.
    """

    def __init__(self, *, max_crashes: int, window_s: float) -> None:
        self._max_crashes = max_crashes
        self._window_s = window_s
        self._crashes: list[_Crash] = []

    def record(self, now_s: float, utterance: int | None = None) -> None:
        """A crash happened, while that utterance was served (a number that is the same when it is tried again)."""
        self._crashes = [*self._recent(now_s), _Crash(now_s, utterance)]

    def wait_s(self, now_s: float) -> float:
        """How long to wait before the next start; 0 is now."""
        recent = self._recent(now_s)
        if len(recent) < 2:
            return 0.0
        delay_s = min(_FIRST_DELAY_S * 2.0 ** (len(recent) - 2), _LONGEST_DELAY_S)
        return max(recent[-1].at_s + delay_s - now_s, 0.0)

    def is_hopeless(self, now_s: float) -> bool:
        """Whether there were more crashes than are allowed, and no single utterance to blame for most of them."""
        recent = self._recent(now_s)
        blamed = Counter(crash.utterance for crash in recent if crash.utterance is not None)
        most = max(blamed.values(), default=0)
        return len(recent) > self._max_crashes and 2 * most <= len(recent)

    def _recent(self, now_s: float) -> list[_Crash]:
        return [crash for crash in self._crashes if now_s - crash.at_s < self._window_s]
