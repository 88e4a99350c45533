"""Chunks of one stream in, utterances out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from moderation.audio.decode import PayloadDecoder, open_decoder
from moderation.audio.limits import StreamFormat, check_chunk, refuse
from moderation.audio.resample import Resampler
from moderation.audio.rules import EndpointingRules
from moderation.audio.segmenter import Ended, Grown, Segmenter, SegmenterEvent, Started
from moderation.audio.timeline import Timeline
from moderation.audio.utterance import (
    SAMPLE_RATE_HZ,
    IntakeEvent,
    IntakeResult,
    Samples,
    Utterance,
    UtteranceAudio,
    UtteranceOpened,
)
from moderation.audio.vad import SpeechScorer
from moderation.errors import DeadLetterCode, InvariantViolation
from moderation.events import AudioChunk
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

    Chunks come in ascending order of `sequence`. The utterances do not depend on how the audio is spread over chunks. A
    fresh intake that is given the chunks from an utterance's `first_sequence` on finds the same utterance: the same
    sequences and, for 16 kHz PCM, FLAC and G.711 at 16 kHz, the same samples; where a decoder or resampler starts anew,
    samples differ slightly at first. Its `*_ms` then count from the chunk it was given first, since nothing tells it
    what came before; `started_at` and `ended_at` stay what they were. Utterances that begin in the same chunk in which
    another one ended or was cut are the exception: the replay may hear the end of the other first.

    Missing audio (a jump of `sequence`, or `captured_at` beyond the end of the chunk before) up to
    `settings.max_splice_ms` is left out: what surrounds it is joined, nothing is filled in, and the timeline moves on
    by what `captured_at` says was lost. Longer missing audio closes the open utterance, and all state starts anew.
    """

    def __init__(self, settings: AudioSettings, scorer: SpeechScorer) -> None:
        self._settings = settings
        self._rules = EndpointingRules.of(settings)
        self._scorer = scorer
        self._max_splice = timedelta(milliseconds=settings.max_splice_ms)
        self._format: StreamFormat | None = None
        self._run: _Run | None = None
        self._last_sequence: int | None = None
        self._expected_at: datetime | None = None
        self._stream_end = 0
        self._number = 0

    def accept(self, chunk: AudioChunk) -> IntakeResult:
        """Take the next chunk. One with `end_of_stream` also closes the open utterance, as `finish` does.

        Raises:
            InvalidMessage: the chunk cannot be used. The intake is as if the chunk had never come: chunks after it are
                processed, and its audio counts as missing. When it would have ended the stream, call `finish`.
            InvariantViolation: `sequence` did not ascend.
        """
        check_chunk(chunk, self._settings)
        self._check_order(chunk)
        decoder = self._decoder_for(chunk)
        samples = decoder.decode(chunk.payload)
        events = list(self._take(chunk, decoder, samples)) if len(samples) else []
        self._last_sequence = chunk.sequence
        if chunk.end_of_stream:
            events += self._end_run()
        return self._result(events)

    def finish(self) -> IntakeResult:
        """The stream ends here, or pauses: close the open utterance. Harmless when called twice.

        Chunks may follow; they are heard with fresh state, on the same timeline.
        """
        return self._result(self._end_run())

    @property
    def held_samples(self) -> int:
        """Samples kept in memory: what an utterance to come may need, or the open utterance."""
        return 0 if self._run is None else self._run.segmenter.held_samples

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
            return open_decoder(declared, self._settings)
        return self._run.decoder

    def _take(self, chunk: AudioChunk, decoder: PayloadDecoder, samples: Samples) -> Iterator[IntakeEvent]:
        missing = self._missing_before(chunk)
        if self._run is not None and missing > self._max_splice:
            yield from self._end_run()
        lost = _samples(missing)
        if self._run is None:
            self._format = StreamFormat.of(chunk)
            self._run = self._open_run(decoder, self._stream_end + lost)
            lost = 0
        run = self._run
        run.timeline.append(chunk.sequence, chunk.captured_at, len(samples), missing_before=lost)
        self._expected_at = chunk.captured_at + timedelta(seconds=len(samples) / decoder.output_rate_hz)
        yield from self._told(run, run.segmenter.push(run.resampler.push(samples)))

    def _missing_before(self, chunk: AudioChunk) -> timedelta:
        """Audio lost before a chunk. Below the splicing limit, only a jump of `sequence` makes it count: the clocks of
        producers jitter."""
        if self._expected_at is None or self._last_sequence is None:
            return timedelta(0)
        excess = max(timedelta(0), chunk.captured_at - self._expected_at)
        is_next = chunk.sequence == self._last_sequence + 1
        return timedelta(0) if is_next and excess <= self._max_splice else excess

    def _open_run(self, decoder: PayloadDecoder, origin: int) -> _Run:
        return _Run(
            decoder=decoder,
            resampler=Resampler(decoder.output_rate_hz),
            segmenter=Segmenter(self._rules, self._scorer),
            timeline=Timeline(decoder.output_rate_hz, origin),
        )

    def _end_run(self) -> list[IntakeEvent]:
        if self._run is None:
            return []
        run, self._run = self._run, None
        self._stream_end = run.timeline.stream_end
        last = run.segmenter.push(run.resampler.flush())
        return [*self._told(run, last), *self._told(run, run.segmenter.finish())]

    def _told(self, run: _Run, events: Iterable[SegmenterEvent]) -> Iterator[IntakeEvent]:
        for event in events:
            match event:
                case Started(start=start):
                    yield UtteranceOpened(
                        number=self._number,
                        first_sequence=run.timeline.sequence_at(start),
                        start_ms=run.timeline.ms_at(start),
                    )
                case Grown(samples=samples):
                    yield UtteranceAudio(number=self._number, samples=samples)
                case Ended():
                    yield self._utterance(run.timeline, event)
                    self._number += 1

    def _utterance(self, timeline: Timeline, ended: Ended) -> Utterance:
        closing = ended.closing
        return Utterance(
            number=self._number,
            first_sequence=timeline.sequence_at(ended.start),
            last_sequence=timeline.sequence_at(closing.decided - 1),
            start_ms=timeline.ms_at(ended.start),
            end_ms=timeline.ms_at(closing.end),
            speech_end_ms=timeline.ms_at(closing.speech_end),
            decided_ms=timeline.ms_at(closing.decided),
            started_at=timeline.instant_at(ended.start),
            ended_at=timeline.instant_at(closing.speech_end),
            samples=ended.samples,
        )

    def _result(self, events: list[IntakeEvent]) -> IntakeResult:
        if self._run is None:
            return IntakeResult(events=tuple(events), needed_from_sequence=None)
        needed = self._run.segmenter.needed_from
        self._run.timeline.forget_before(needed)
        return IntakeResult(events=tuple(events), needed_from_sequence=self._run.timeline.sequence_at(needed))


def _samples(duration: timedelta) -> int:
    return duration * SAMPLE_RATE_HZ // timedelta(seconds=1)


def _describe(stream_format: StreamFormat) -> str:
    return f"{stream_format.encoding} at {stream_format.sample_rate_hz} Hz with {stream_format.channels} channels"
