"""Which chunk a sample came in, and when."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from moderation.audio.utterance import SAMPLE_RATE_HZ
from moderation.errors import InvariantViolation


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    sequence: int
    start: int
    origin: int
    captured_at: datetime


class Timeline:
    """The chunks of one unbroken run of audio. Positions are samples at 16 kHz since the start of the run.

    `origin` is where the run starts on the timeline of the stream, in samples; audio that is missing inside the run
    moves what follows to later on that timeline.
    """

    def __init__(self, input_rate_hz: int, origin: int = 0) -> None:
        self._origin = origin
        self._input_rate_hz = input_rate_hz
        self._input_samples = 0
        self._spans: deque[_Span] = deque()

    @property
    def end(self) -> int:
        """How far the chunks reach."""
        return -(-self._input_samples * SAMPLE_RATE_HZ // self._input_rate_hz)

    @property
    def stream_end(self) -> int:
        """How far the chunks reach on the timeline of the stream, in samples."""
        return self._origin + self.end

    def append(self, sequence: int, captured_at: datetime, input_samples: int, *, missing_before: int = 0) -> None:
        """Take a chunk of `input_samples` (at least one) at the input rate.

        `missing_before` samples at 16 kHz were lost between the chunk before and this one.
        """
        self._origin += missing_before
        self._spans.append(_Span(sequence=sequence, start=self.end, origin=self._origin, captured_at=captured_at))
        self._input_samples += input_samples

    def sequence_at(self, position: int) -> int:
        """The chunk that holds a sample; the last chunk for what lies behind it."""
        return self._span_at(position).sequence

    def ms_at(self, position: int) -> int:
        """Milliseconds since the first chunk of the stream."""
        return (self._span_at(position).origin + position) * 1000 // SAMPLE_RATE_HZ

    def instant_at(self, position: int) -> datetime:
        """When a sample was captured."""
        span = self._span_at(position)
        return span.captured_at + timedelta(seconds=(position - span.start) / SAMPLE_RATE_HZ)

    def expected_at(self) -> datetime | None:
        """When the chunk that follows without a gap would have been captured. None before the first."""
        return self.instant_at(self.end) if self._spans else None

    def forget_before(self, position: int) -> None:
        """Drop the chunks that end before `position`, but the last."""
        while len(self._spans) > 1 and self._spans[1].start <= position:
            self._spans.popleft()

    def _span_at(self, position: int) -> _Span:
        for span in reversed(self._spans):
            if span.start <= position:
                return span
        raise InvariantViolation(f"no chunk is remembered for sample {position}")
