"""The part of a stream's samples that may still be needed."""

from collections import deque

import numpy as np

from moderation.audio.silence import is_silent
from moderation.audio.utterance import Samples


class SampleBuffer:
    """Samples addressed by their index in the run; what lies before a point can be forgotten.

    Memory is what was appended and not forgotten, plus at most one appended piece.
    """

    def __init__(self) -> None:
        self._pieces: deque[tuple[int, Samples]] = deque()
        self._end = 0

    @property
    def start(self) -> int:
        """Index of the first sample held."""
        return self._pieces[0][0] if self._pieces else self._end

    @property
    def end(self) -> int:
        """Index behind the last sample held."""
        return self._end

    def append(self, samples: Samples) -> None:
        """Add the samples that follow."""
        if len(samples):
            self._pieces.append((self._end, samples))
            self._end += len(samples)

    def read(self, start: int, end: int) -> Samples:
        """The samples [start, end), all of which must be held. Not to be written to."""
        parts: list[Samples] = []
        for piece_start, piece in reversed(self._pieces):
            if piece_start < end:
                parts.append(piece[max(0, start - piece_start) : end - piece_start])
            if piece_start <= start:
                break
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts[::-1]) if parts else np.zeros(0, np.float32)

    def is_silent(self, start: int, end: int) -> bool:
        """Whether the samples [start, end), all of which must be held, are zeros."""
        for piece_start, piece in reversed(self._pieces):
            if piece_start < end and not is_silent(piece[max(0, start - piece_start) : end - piece_start]):
                return False
            if piece_start <= start:
                break
        return True

    def forget_before(self, index: int) -> None:
        """Drop the pieces that end before `index`."""
        while self._pieces and self._pieces[0][0] + len(self._pieces[0][1]) <= index:
            self._pieces.popleft()
