"""Chunks of one stream in, utterances out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from moderation.audio.decode import OpenDecoder, PayloadDecoder, open_decoder
from moderation.audio.limits import StreamFormat, check_chunk, refuse
from moderation.audio.pre_roll import pre_roll_samples
from moderation.audio.resample import Resampler
from moderation.audio.rules import EndpointingRules
from moderation.audio.segmenter import Ended, Grown, Paused, Segmenter, SegmenterEvent, Started
from moderation.audio.timeline import Timeline
from moderation.audio.utterance import (
    SAMPLE_RATE_HZ,
    IntakeEvent,
    IntakeResult,
    Samples,
    Utterance,
    UtteranceAudio,
    UtteranceOpened,
    UtterancePaused,
)
from moderation.audio.vad import SpeechScorer
from moderation.errors import DeadLetterCode, InvariantViolation
from moderation.events import AudioChunk, ResumePoint
from moderation.settings import AudioSettings


@dataclass(slots=True, kw_only=True)
class _Run:
    """Audio without a break worth ending an utterance for, and what processes it."""

    decoder: PayloadDecoder
    resampler: Resampler
    segmenter: Segmenter
    timeline: Timeline


class StreamIntake:
    """Decodes, resamples and endpoints one stream. Used from one thread at a time; calls compute, and never wait.

    Chunks come in ascending order of `sequence`. The utterances do not depend on how the audio is spread over chunks.

    A fresh intake that is given `Utterance.resume` and the chunks from `resume.sequence` on tells the utterances that
    followed: numbers, sequences, times, instants and samples are the same. Three things are not promised to the last
    bit. At rates that are none of `EXACT_RATES_HZ` samples differ by rounding (below 1e-5). Where the chunks do not
    hold a whole number of the resampler's steps, a shift of less than a sample comes on top. Opus decoders that start
    anew are given time to settle (`OPUS_PRE_ROLL_MS`), which nothing in the codec bounds.

    Chunks before `resume.sequence` may not be given. When the first chunk is a later one, what lies between must have
    been let go by `IntakeResult`: the intake begins there in silence, and the stream's timeline goes on by what
    `captured_at` says has passed. Utterances are then found where they would have been, but for sounds that the VAD
    takes for speech or not depending on where it began, and for speech without a quiet place before it (`listening`).

    Missing audio (a jump of `sequence`, or `captured_at` beyond the end of the chunk before) up to
    `settings.max_splice_ms` is left out: what surrounds it is joined, nothing is filled in, and the timeline moves on
    by what `captured_at` says was lost. Longer missing audio closes the open utterance, and all state starts anew.
    When `captured_at` goes back the audio goes on as if it had not: the timeline of the stream never goes back.
    """

    def __init__(
        self,
        settings: AudioSettings,
        scorer: SpeechScorer,
        *,
        resume: ResumePoint | None = None,
        open_decoder: OpenDecoder = open_decoder,
    ) -> None:
        """Begin a stream, or go on with one from `resume`."""
        self._settings = settings
        self._open_decoder = open_decoder
        self._rules = EndpointingRules.of(settings)
        self._scorer = scorer
        self._max_splice = timedelta(milliseconds=settings.max_splice_ms)
        self._format: StreamFormat | None = None
        self._run: _Run | None = None
        self._resume = resume
        self._origin = resume
        self._last_sequence = resume.sequence - 1 if resume else None
        self._expected_at = resume.captured_at if resume else None
        self._stream_end = resume.position if resume else 0
        self._number = resume.utterances if resume else 0

    def accept(self, chunk: AudioChunk) -> IntakeResult:
        """Take the next chunk. One with `end_of_stream` also closes the open utterance, as `finish` does.

        Raises:
            InvalidMessage: the chunk cannot be used. The intake is as if the chunk had never come: chunks after it are
                processed, and its audio counts as missing. When it would have ended the stream, call `finish`.
            InvariantViolation: `sequence` did not ascend, or began before the point to resume from.
        """
        check_chunk(chunk, self._settings)
        self._check_order(chunk)
        decoder = self._decoder_for(chunk)
        samples = decoder.decode(chunk.payload)
        clock_jump = self._clock_jump_at(chunk)
        events = list(self._take(chunk, decoder, samples)) if len(samples) else []
        self._last_sequence = chunk.sequence
        if chunk.end_of_stream:
            events += self._end_run()
        return self._result(events, clock_jump)

    def finish(self) -> IntakeResult:
        """The stream ends here, or pauses: close the open utterance. Harmless when called twice.

        Chunks may follow; they are heard with fresh state, on the same timeline.
        """
        return self._result(self._end_run())

    @property
    def hears_speech(self) -> bool:
        """Whether an utterance is open."""
        return self._run is not None and self._run.segmenter.hears_speech

    @property
    def held_samples(self) -> int:
        """Samples kept in memory: what an utterance to come may need, or the open utterance."""
        return 0 if self._run is None else self._run.segmenter.held_samples

    @property
    def resume_point(self) -> ResumePoint:
        """Where a fresh intake goes on behind all chunks that were accepted; what is open is left behind.

        Raises:
            InvariantViolation: no chunk was accepted yet, and there was no point to resume from.
        """
        if self._run is None and self._resume is not None:
            return self._resume
        if self._last_sequence is None or self._expected_at is None:
            raise InvariantViolation("a stream of which nothing was heard has no point to resume from")
        return ResumePoint(
            sequence=self._last_sequence + 1,
            skip_samples=0,
            position=self._stream_end if self._run is None else self._run.timeline.stream_end,
            captured_at=self._expected_at,
            utterances=self._number,
        )

    def _check_order(self, chunk: AudioChunk) -> None:
        if self._last_sequence is not None and chunk.sequence <= self._last_sequence:
            raise InvariantViolation(f"chunk {chunk.sequence} came to the intake after chunk {self._last_sequence}")

    def _decoder_for(self, chunk: AudioChunk) -> PayloadDecoder:
        declared = StreamFormat.of(chunk)
        if self._format is not None and declared != self._format:
            refuse(
                DeadLetterCode.FORMAT_CHANGED,
                f"the stream is {_describe(self._format)}, this chunk is {_describe(declared)}; "
                "a track that changes its format needs a new stream_id",
            )
        if self._run is None or self._missing_before(chunk) > self._max_splice:
            return self._open_decoder(declared, self._settings)
        return self._run.decoder

    def _take(self, chunk: AudioChunk, decoder: PayloadDecoder, samples: Samples) -> Iterator[IntakeEvent]:
        missing = self._missing_before(chunk)
        if self._run is not None and missing > self._max_splice:
            yield from self._end_run()
        lost = _samples(missing)
        if self._run is None:
            self._format = StreamFormat.of(chunk)
            origin = self._stream_end + lost
            self._run = self._open_run(decoder, origin, floor=self._floor_at(origin))
            self._resume = None
            lost = 0
        run = self._run
        run.timeline.append(chunk.sequence, chunk.captured_at, len(samples), missing_before=lost)
        # A resume point goes through messages that count milliseconds: what goes on from there, and what just goes on,
        # must expect the same.
        self._expected_at = _in_whole_ms(chunk.captured_at + timedelta(seconds=len(samples) / decoder.output_rate_hz))
        if self._origin is None:
            self._origin = run.timeline.resume_point(0, utterances=0)
        yield from self._told(run, run.segmenter.push(run.resampler.push(samples)))

    def _missing_before(self, chunk: AudioChunk) -> timedelta:
        """Audio lost before a chunk. Below the splicing limit, only a jump of `sequence` makes it count: the clocks of
        producers jitter."""
        if self._expected_at is None or self._last_sequence is None:
            return timedelta(0)
        excess = max(timedelta(0), chunk.captured_at - self._expected_at)
        is_next = chunk.sequence == self._last_sequence + 1
        return timedelta(0) if is_next and excess <= self._max_splice else excess

    def _clock_jump_at(self, chunk: AudioChunk) -> timedelta:
        """By how much the clock of the chunk is off where neither jitter nor missing audio can be the reason."""
        if self._expected_at is None or self._last_sequence is None:
            return timedelta(0)
        drift = chunk.captured_at - self._expected_at
        goes_on = self._run is not None and chunk.sequence == self._last_sequence + 1
        is_jump = drift < -self._max_splice or (goes_on and drift > self._max_splice)
        return drift if is_jump else timedelta(0)

    def _floor_at(self, position: int) -> int:
        """How many samples from a position of the stream's timeline on belong to what is finished."""
        resume = self._resume
        return 0 if resume is None else max(0, resume.position + resume.skip_samples - position)

    def _open_run(self, decoder: PayloadDecoder, origin: int, *, floor: int) -> _Run:
        rate_hz = decoder.output_rate_hz
        pre_roll = 0 if self._format is None else pre_roll_samples(self._format.encoding, rate_hz)
        return _Run(
            decoder=decoder,
            resampler=Resampler(rate_hz),
            segmenter=Segmenter(self._rules, self._scorer, floor=floor),
            timeline=Timeline(rate_hz, origin, pre_roll=pre_roll),
        )

    def _end_run(self) -> list[IntakeEvent]:
        if self._run is None:
            return []
        run, self._run = self._run, None
        self._stream_end = run.timeline.stream_end
        last = run.segmenter.push(run.resampler.flush())
        events = [*self._told(run, last), *self._told(run, run.segmenter.finish())]
        if events and isinstance(final := events[-1], Utterance):
            # Nothing of this run is needed any more.
            events[-1] = replace(final, resume=self.resume_point)
        return events

    def _told(self, run: _Run, events: Iterable[SegmenterEvent]) -> Iterator[IntakeEvent]:
        for event in events:
            match event:
                case Started(start=start):
                    yield UtteranceOpened(
                        number=self._number,
                        first_sequence=run.timeline.sequence_at(start),
                        start_ms=run.timeline.ms_at(start),
                        started_at=run.timeline.instant_at(start),
                    )
                case Grown(samples=samples):
                    yield UtteranceAudio(number=self._number, samples=samples)
                case Paused(samples=samples):
                    yield UtterancePaused(number=self._number, samples=samples)
                case Ended():
                    self._number += 1
                    yield self._utterance(run.timeline, event)

    def _utterance(self, timeline: Timeline, ended: Ended) -> Utterance:
        closing = ended.closing
        started_at = timeline.instant_at(ended.start)
        return Utterance(
            number=self._number - 1,
            first_sequence=timeline.sequence_at(ended.start),
            last_sequence=timeline.sequence_at(closing.decided - 1),
            start_ms=timeline.ms_at(ended.start),
            end_ms=timeline.ms_at(closing.end),
            speech_end_ms=timeline.ms_at(closing.speech_end),
            decided_ms=timeline.ms_at(closing.decided),
            started_at=started_at,
            ended_at=max(started_at, timeline.instant_at(closing.speech_end)),
            missing=timeline.missing_between(ended.start, closing.end),
            resume=timeline.resume_point(closing.next_from, utterances=self._number),
            samples=ended.samples,
        )

    def _result(self, events: list[IntakeEvent], clock_jump: timedelta = timedelta(0)) -> IntakeResult:
        return IntakeResult(
            events=tuple(events),
            needed_from_sequence=self._needed_from_sequence(),
            clock_jump_ms=clock_jump // timedelta(milliseconds=1),
            origin=self._origin,
        )

    def _needed_from_sequence(self) -> int | None:
        if self._run is None:
            return None
        return self._run.timeline.forget_before(self._run.segmenter.needed_from)


def _in_whole_ms(instant: datetime) -> datetime:
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def _samples(duration: timedelta) -> int:
    return duration * SAMPLE_RATE_HZ // timedelta(seconds=1)


def _describe(stream_format: StreamFormat) -> str:
    return f"{stream_format.encoding} at {stream_format.sample_rate_hz} Hz with {stream_format.channels} channels"
