"""One pass of the VAD over a stream, from a chosen sample on."""

from collections import deque

from moderation.audio.buffer import SampleBuffer
from moderation.audio.vad import FRAME_SAMPLES, SpeechScorer, fresh_state


class VadRun:
    """Starts with fresh state at `start`; its frames lie at start, start + FRAME_SAMPLES, ..."""

    def __init__(self, scorer: SpeechScorer, buffer: SampleBuffer, start: int) -> None:
        self._scorer = scorer
        self._buffer = buffer
        self._state = fresh_state()
        self._scored_to = start
        self._probabilities: deque[float] = deque()
        self.position = start
        """Where the next frame to be returned starts."""

    def next_frame(self, limit: int) -> tuple[int, float] | None:
        """The start and the speech probability of the next frame, None when it would end beyond `limit`.

        All whole frames up to `limit` that are not scored yet are scored at once.
        """
        if self.position + FRAME_SAMPLES > limit:
            return None
        if not self._probabilities:
            self._score(limit)
        start = self.position
        self.position += FRAME_SAMPLES
        return start, self._probabilities.popleft()

    def _score(self, limit: int) -> None:
        end = self._scored_to + (limit - self._scored_to) // FRAME_SAMPLES * FRAME_SAMPLES
        scores, self._state = self._scorer.score(self._state, self._buffer.read(self._scored_to, end))
        self._probabilities.extend(scores)
        self._scored_to = end
