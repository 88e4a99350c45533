"""An unbroken run of samples into utterances, in sample positions."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from moderation.audio.buffer import SampleBuffer
from moderation.audio.listening import Listening, Opening
from moderation.audio.rules import EndpointingRules
from moderation.audio.speaking import Closing, Speaking
from moderation.audio.utterance import Samples
from moderation.audio.vad import SpeechScorer


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """An utterance starts at sample `start`."""

    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """More samples of the utterance that started last."""

    samples: Samples = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """The utterance that started last, whole, if speech does not go on: then `Ended` follows with the same samples.

    Told once a pause, and not where the end is decided at once.
    """

    samples: Samples = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The utterance that started last, whole."""

    start: int
    closing: Closing
    samples: Samples = field(repr=False)


SegmenterEvent = Started | Grown | Paused | Ended

REPLAY_LEAD = 16_000
"""1 s at 16 kHz: a fresh pass over the audio begins so long before the first sample that may be needed.

What begins right where an utterance starts takes its first speech for speech that follows on something, and the VAD
needs a moment until what it says does not depend on where it began.
"""


class Segmenter:
    """Decides frame by frame, each time from the samples up to that frame alone; so pieces may be cut anywhere.

    The samples before `floor` belong to what is finished: nothing starts there.
    """

    def __init__(self, rules: EndpointingRules, scorer: SpeechScorer, *, floor: int = 0) -> None:
        self._rules = rules
        self._scorer = scorer
        self._buffer = SampleBuffer()
        self._state: Listening | Speaking = Listening(rules, scorer, self._buffer, floor)
        self._floor = floor
        self._told_to = 0
        self._told_pause: int | None = None

    @property
    def needed_from(self) -> int:
        """The first sample that a fresh pass needs to find the open utterance, or else one to come, where it is."""
        return max(self._floor, self._read_from - REPLAY_LEAD)

    @property
    def hears_speech(self) -> bool:
        """Whether an utterance is open."""
        return isinstance(self._state, Speaking)

    @property
    def _read_from(self) -> int:
        return self._state.start if isinstance(self._state, Speaking) else self._state.needed_from

    @property
    def held_samples(self) -> int:
        """How many samples are kept in memory."""
        return self._buffer.end - self._buffer.start

    def push(self, samples: Samples) -> list[SegmenterEvent]:
        """Take the samples that follow."""
        self._buffer.append(samples)
        events = list(self._advance())
        self._buffer.forget_before(self._read_from)
        return events

    def finish(self) -> list[SegmenterEvent]:
        """The run ends: close what is open. Nothing may be pushed afterwards."""
        events: list[SegmenterEvent] = []
        if isinstance(self._state, Listening) and (opening := self._state.finish()) is not None:
            events += self._open(opening)
            events += self._advance()
        if isinstance(self._state, Speaking):
            events += self._close(self._state, self._state.finish(), self._buffer.end)
        return events

    def _advance(self) -> Iterator[SegmenterEvent]:
        while True:
            if isinstance(self._state, Listening):
                opening = self._state.advance()
                if opening is None:
                    return
                yield from self._open(opening)
            else:
                speaking = self._state
                closing = speaking.advance()
                if closing is None:
                    yield from self._grow(speaking.position)
                    yield from self._pause(speaking)
                    return
                yield from self._close(speaking, closing, closing.decided)

    def _open(self, opening: Opening) -> Iterator[SegmenterEvent]:
        self._state = Speaking(self._rules, self._buffer, opening)
        self._told_to = opening.start
        self._told_pause = None
        yield Started(start=opening.start)

    def _grow(self, position: int) -> Iterator[SegmenterEvent]:
        if position > self._told_to:
            yield Grown(samples=self._buffer.read(self._told_to, position))
            self._told_to = position

    def _pause(self, speaking: Speaking) -> Iterator[SegmenterEvent]:
        end = speaking.would_end
        if end is not None and end != self._told_pause:
            self._told_pause = end
            yield Paused(samples=self._buffer.read(speaking.start, end))

    def _close(self, speaking: Speaking, closing: Closing, heard_to: int) -> Iterator[SegmenterEvent]:
        yield from self._grow(heard_to)
        samples = self._buffer.read(speaking.start, closing.end)
        self._floor = closing.next_from
        self._state = Listening(self._rules, self._scorer, self._buffer, self._floor)
        yield Ended(start=speaking.start, closing=closing, samples=samples)
