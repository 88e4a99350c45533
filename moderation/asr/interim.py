"""Interim decodes: when to listen to an utterance that goes on, and to which part of it. Pure.

An interim decode hears a window that ends now. Windows overlap by two seconds or more, and each begins at the quietest
place of its first second, so that every word lies whole in one of them and none is misheard for having been cut.
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from moderation.asr.engine import Samples
from moderation.asr.quiet import quietest_place
from moderation.asr.recognition import SAMPLE_RATE_HZ

CUT_WITHIN = SAMPLE_RATE_HZ
"""How much of a window is searched for the place to begin at."""
OVERLAP = 2 * SAMPLE_RATE_HZ
"""What a window holds at least of the one before: what is searched, and a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterimRules:
    """In samples: a window is heard when an utterance has lasted `first`, then after every `every` more of it.

    It is at most `window` long.
    """

    first: int
    every: int
    window: int

    @classmethod
    def of(cls, *, from_s: float, every_s: float, window_s: float) -> "InterimRules | None":
        """The rules that settings ask for; None where there are to be no interim decodes."""
        if not every_s:
            return None
        first, every, window = (int(seconds * SAMPLE_RATE_HZ) for seconds in (from_s, every_s, window_s))
        return cls(first=first, every=every, window=max(window, every + OVERLAP))


@dataclass(frozen=True, slots=True, kw_only=True)
class InterimWindow:
    """A part of an utterance. `start` and `heard` count its samples: where the window begins, and how many there are so
    far."""

    start: int
    heard: int
    samples: Samples = field(repr=False)


class GrowingUtterance:
    """The audio of an utterance that goes on, as far back as a window may reach."""

    def __init__(self, rules: InterimRules) -> None:
        self._rules = rules
        self._pieces: deque[Samples] = deque()
        self._kept = 0
        self._heard = 0
        self._looked_at = 0

    @property
    def is_due(self) -> bool:
        """Whether enough came since the last window."""
        return self._heard >= self._rules.first and self._heard - self._looked_at >= self._rules.every

    def hear(self, samples: Samples) -> None:
        """Take the samples that follow."""
        self._pieces.append(samples)
        self._kept += len(samples)
        self._heard += len(samples)
        while self._kept - len(self._pieces[0]) >= self._rules.window:
            self._kept -= len(self._pieces.popleft())

    def window(self) -> InterimWindow:
        """The window that ends now."""
        self._looked_at = self._heard
        samples = np.concatenate(self._pieces) if self._pieces else np.zeros(0, np.float32)
        # What was let go, or lies before the window, was cut off somewhere.
        earliest = max(0, len(samples) - self._rules.window)
        is_cut = self._heard > len(samples) or earliest > 0
        cut = quietest_place(samples, earliest, min(len(samples), earliest + CUT_WITHIN)) if is_cut else 0
        return InterimWindow(start=self._heard - len(samples) + cut, heard=self._heard, samples=samples[cut:])
