"""When a process that crashed may be started again. Pure: times come in as seconds of a monotonic clock."""

_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 5.0


class CrashHistory:
    """The crashes of one worker process in the last `window_s` seconds.

    The first restart is immediate; each further crash within the window doubles the wait, from 0.1 s to at most 5 s.
    One utterance that kills every process it is given to is retried for a minute or so and then given up by the
    caller; more crashes than that can cause mean that the engine itself is broken.
    """

    def __init__(self, *, max_crashes: int, window_s: float) -> None:
        self._max_crashes = max_crashes
        self._window_s = window_s
        self._crashes: list[float] = []

    def record(self, now_s: float) -> None:
        """A crash happened."""
        self._crashes = [*self._recent(now_s), now_s]

    def wait_s(self, now_s: float) -> float:
        """How long to wait before the next start; 0 is now."""
        recent = self._recent(now_s)
        if len(recent) < 2:
            return 0.0
        delay_s = min(_FIRST_DELAY_S * 2.0 ** (len(recent) - 2), _LONGEST_DELAY_S)
        return max(recent[-1] + delay_s - now_s, 0.0)

    def is_hopeless(self, now_s: float) -> bool:
        """Whether there were more crashes than are allowed."""
        return len(self._recent(now_s)) > self._max_crashes

    def _recent(self, now_s: float) -> list[float]:
        return [crash for crash in self._crashes if now_s - crash < self._window_s]
