"""Looking for the largest number of streams that is carried, with few trials. Pure."""

from dataclasses import dataclass, field

RESOLUTION = 0.06
"""The search ends when the smallest number that failed is at most this share above the largest that passed."""


@dataclass(slots=True)
class Search:
    """Doubles from `start` until a trial fails, then halves the gap; at the end tries the best again.

    When a confirmation fails, its number has failed, and the search goes on below it.
    """

    start: int
    most: int
    confirmations: int = 1
    passed: int = 0
    """The largest number that passed and was not refuted."""
    failed: int | None = None
    """The smallest number that failed."""
    _confirmed: dict[int, int] = field(default_factory=dict)

    def next(self) -> int | None:
        """How many streams to try next; None when `passed` is the answer."""
        if self.failed is None:
            return None if self.passed >= self.most else min(self.most, max(self.start, 2 * self.passed))
        if self.failed - self.passed > max(1, int(self.failed * RESOLUTION)):
            return (self.passed + self.failed) // 2
        if self.passed and self._confirmed.get(self.passed, 0) <= self.confirmations:
            return self.passed
        return None

    def tell(self, streams: int, *, carried: bool) -> None:
        """The outcome of a trial with so many streams."""
        if carried:
            self._confirmed[streams] = self._confirmed.get(streams, 0) + 1
            self.passed = max(self.passed, streams)
            return
        self.failed = streams if self.failed is None else min(self.failed, streams)
        smaller = [number for number in self._confirmed if number < self.failed]
        self.passed = max(smaller, default=0)
