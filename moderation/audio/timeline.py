"""Which chunk a sample came in, and when."""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import gcd

from moderation.audio.utterance import SAMPLE_RATE_HZ
from moderation.errors import InvariantViolation
from moderation.events import MissingAudio, ResumePoint

ALIGNMENT_REACH = 1_600
"""100 ms at 16 kHz: how far back a chunk is looked for that starts where the resampler's phase is that of a start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    sequence: int
    start: int
    input_start: int
    origin: int
    missing_before: int
    captured_at: datetime


class Timeline:
    """The chunks of one unbroken run of audio. Positions are samples at 16 kHz since the start of the run.

    `origin` is where the run starts on the timeline of the stream, in samples; audio that is missing inside the run
    moves what follows to later on that timeline. `pre_roll` is how many samples a fresh decoder and resampler must be
    given before theirs are those of the run.
    """

    def __init__(self, input_rate_hz: int, origin: int = 0, *, pre_roll: int = 0) -> None:
        self._origin = origin
        self._pre_roll = pre_roll
        self._input_rate_hz = input_rate_hz
        self._aligned_to = input_rate_hz // gcd(input_rate_hz, SAMPLE_RATE_HZ)
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
        self._spans.append(
            _Span(
                sequence=sequence,
                start=self.end,
                input_start=self._input_samples,
                origin=self._origin,
                missing_before=missing_before,
                captured_at=captured_at,
            )
        )
        self._input_samples += input_samples

    def sequence_at(self, position: int) -> int:
        """The chunk that holds a sample; the last chunk for what lies behind it."""
        return self._span_at(position).sequence

    def ms_at(self, position: int) -> int:
        """Milliseconds since the first chunk of the stream."""
        return _ms(self._span_at(position).origin + position)

    def instant_at(self, position: int) -> datetime:
        """When a sample was captured."""
        span = self._span_at(position)
        return span.captured_at + timedelta(seconds=(position - span.start) / SAMPLE_RATE_HZ)

    def missing_between(self, start: int, end: int) -> tuple[MissingAudio, ...]:
        """Audio that was left out within the samples [start, end): not before the first, nor behind the last."""
        return tuple(
            MissingAudio(at_ms=before_ms, duration_ms=after_ms - before_ms)
            for span in self._spans
            if span.missing_before and start < span.start < end
            for before_ms, after_ms in [
                (_ms(span.origin - span.missing_before + span.start), _ms(span.origin + span.start))
            ]
        )

    def resume_point(self, position: int, *, utterances: int) -> ResumePoint:
        """Where a fresh intake takes up the chunks so as to go on at `position` as this run does."""
        span = self._resume_span(position)
        return ResumePoint(
            sequence=span.sequence,
            skip_samples=position - span.start,
            position=span.origin + span.start,
            captured_at=span.captured_at,
            utterances=utterances,
        )

    def needed_sequence(self, position: int) -> int:
        """The first chunk that a fresh intake needs so as to go on at `position`."""
        return self._resume_span(position).sequence

    def forget_before(self, position: int) -> int:
        """Drop the chunks that nobody needs who goes on at `position` or later; the first that is needed."""
        needed = self.needed_sequence(position)
        while self._spans[0].sequence < needed:
            self._spans.popleft()
        return needed

    def _resume_span(self, position: int) -> _Span:
        place = self._place_at(max(position - self._pre_roll, self._spans[0].start))
        latest = self._spans[place]
        for at in range(place, -1, -1):
            span = self._spans[at]
            if span.input_start % self._aligned_to == 0:
                return span if latest.start - span.start <= ALIGNMENT_REACH else latest
        return latest

    def _span_at(self, position: int) -> _Span:
        return self._spans[self._place_at(position)]

    def _place_at(self, position: int) -> int:
        place = bisect_right(self._spans, position, key=_start) - 1
        if place < 0:
            raise InvariantViolation(f"no chunk is remembered for sample {position}")
        return place


def _start(span: _Span) -> int:
    return span.start


def _ms(position: int) -> int:
    return position * 1000 // SAMPLE_RATE_HZ
