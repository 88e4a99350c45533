"""Inside an utterance: finding where it ends."""

from dataclasses import dataclass

from moderation.audio.anchors import quietest_place
from moderation.audio.buffer import SampleBuffer
from moderation.audio.listening import Opening
from moderation.audio.rules import EndpointingRules
from moderation.audio.vad import FRAME_SAMPLES

CUT_FROM = 0.80
CUT_TO = 0.95
"""An utterance that is too long is cut between these fractions of the maximum."""

CUT_WIDTH = 1024
"""64 ms at 16 kHz: a cut lies in the middle of the quietest stretch of this length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """An utterance ends before sample `end`; speech ended at `speech_end`; it was decided at `decided`.

    What comes next may start at `next_from`.
    """

    end: int
    speech_end: int
    decided: int
    next_from: int


class Speaking:
    """Follows one utterance from its opening to its end."""

    def __init__(self, rules: EndpointingRules, buffer: SampleBuffer, opening: Opening) -> None:
        self.start = opening.start
        self._rules = rules
        self._buffer = buffer
        self._run = opening.run
        self._heard = rules.tracker()
        self._heard.onset = opening.onset
        self._heard.is_confirmed = True
        self._onset = opening.onset

    @property
    def position(self) -> int:
        """How far the audio has been judged."""
        return self._run.position

    @property
    def would_end(self) -> int | None:
        """Where the utterance ends if it does not go on, once all of it is there; None while it goes on."""
        if self._heard.silent_from is None:
            return None
        end = self._heard.silent_from + self._rules.padding
        return end if end <= self.position else None

    def advance(self) -> Closing | None:
        """Judge the audio that came since; stop at the end of the utterance."""
        while (frame := self._run.next_frame(self._buffer.end)) is not None:
            closing = self._observe(*frame)
            if closing is not None:
                return closing
        return None

    def finish(self) -> Closing:
        """The audio ends here, and the utterance with it."""
        end = self._buffer.end
        return self._close(end if self._heard.silent_from is None else self._heard.silent_from, end)

    def _observe(self, start: int, probability: float) -> Closing | None:
        limit = start + FRAME_SAMPLES
        if start >= self._onset:
            self._heard.observe(start, probability)
        silent_from = self._heard.silent_from
        if silent_from is not None and limit - silent_from >= self._rules.end_silence:
            return self._close(silent_from, limit)
        return self._cut(limit) if limit - self.start >= self._rules.max_utterance else None

    def _close(self, speech_end: int, decided: int) -> Closing:
        end = min(speech_end + self._rules.padding, decided)
        # The next utterance may begin with silence that this one ends with.
        return Closing(end=end, speech_end=speech_end, decided=decided, next_from=speech_end)

    def _cut(self, decided: int) -> Closing:
        first = self.start + int(self._rules.max_utterance * CUT_FROM)
        last = self.start + int(self._rules.max_utterance * CUT_TO)
        cut = first + quietest_place(self._buffer.read(first, last), CUT_WIDTH)
        return Closing(end=cut, speech_end=cut, decided=decided, next_from=cut)
