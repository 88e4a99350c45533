"""Between utterances: finding where the next one starts.

The gate, a pass of the VAD over everything that is not silent, says where to look; what it says depends on where it
began, so it decides nothing else. Around what may be speech the anchors are tried, each with a fresh pass of the VAD
that begins one lead before the anchor. An anchor holds when speech begins in the frame around it or within ANCHOR_REACH
after it. The utterance belongs to the first anchor that holds and has no other that holds between itself and its
speech; its pass goes on as that of the utterance. All of this depends only on samples from the start of the utterance
on: a replay that begins anywhere in the silence before finds the same start, and from there sees the same
probabilities.

Speech without such an anchor (a stream that begins with speech, or speech that goes on after a cut) starts one lead
before the gate heard it.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

from moderation.audio.anchors import LOOK_AHEAD, LOOK_BACK, find_anchors
from moderation.audio.buffer import SampleBuffer
from moderation.audio.gate import Gate
from moderation.audio.rules import ANCHOR_REACH, EndpointingRules
from moderation.audio.vad import FRAME_SAMPLES, SpeechScorer
from moderation.audio.vad_run import VadRun

ANCHORLESS_PATIENCE = 8192
"""512 ms at 16 kHz: speech that the gate hears for so long is an utterance even when no anchor holds."""


GATE_SLACK = 8192
"""512 ms at 16 kHz: how much later than a fresh pass the gate may hear speech, and the utterance still starts there.

The gate grows deaf to the first sounds after a long silence. Measured at 600 places to begin from in 3.3 hours of
conversations: without slack five replays found another start, with this none. Trying the anchors in it costs 0.6 ms of
processor time a second of audio, with twice as much 1.3 ms.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """An utterance starts at sample `start`, its speech at `onset`; `run` is the VAD pass to go on with."""

    start: int
    onset: int
    run: VadRun
    anchored: bool = True


class Listening:
    """Looks for the next utterance in the samples from `floor` on."""

    def __init__(self, rules: EndpointingRules, scorer: SpeechScorer, buffer: SampleBuffer, floor: int) -> None:
        self._rules = rules
        self._scorer = scorer
        self._buffer = buffer
        self._floor = floor
        self._gate = Gate(scorer, buffer, floor)
        self._heard = rules.tracker()
        self._candidates: deque[_Candidate] = deque()
        self._favourite: _Candidate | None = None
        self._searched_to = floor + rules.lead
        self._search_to = floor

    def advance(self) -> Opening | None:
        """Look through the audio that came since; stop at the first opening."""
        if self._is_idle and self._gate.sleeps_through(self._buffer.end):
            return None
        while (frame := self._gate.next_frame(self._buffer.end)) is not None:
            opening = self._observe(*frame)
            if opening is not None:
                return opening
        return None

    def finish(self) -> Opening | None:
        """The audio ends here: the opening that was about to be decided."""
        if self._favourite is not None:
            return self._favourite.opening()
        return self._open_without_anchor() if self._heard.is_confirmed else None

    @property
    def needed_from(self) -> int:
        """The first sample that an utterance to come may need."""
        lead = self._rules.lead
        needed = [self._gate.position - ANCHOR_REACH - GATE_SLACK - lead]
        if self._search_to >= self._searched_to:
            needed.append(self._searched_to - lead)
        if self._heard.onset is not None:
            needed.append(self._heard.onset - lead)
        if self._favourite is not None:
            needed.append(self._favourite.start)
        if self._candidates:
            needed.append(self._candidates[0].start)
        return max(self._floor, min(needed))

    @property
    def _is_idle(self) -> bool:
        """Whether silence would change nothing: nothing was heard, and no anchor is looked for or on trial."""
        is_searching = self._search_to >= self._searched_to or self._candidates or self._favourite is not None
        return not is_searching and self._heard.onset is None

    def _observe(self, start: int, probability: float) -> Opening | None:
        limit = start + FRAME_SAMPLES
        self._heard.observe(start, probability)
        if probability >= self._rules.silence_threshold:
            self._searched_to = max(self._searched_to, start - ANCHOR_REACH - GATE_SLACK)
            self._search_to = limit
        self._search(limit)
        self._try_candidates(limit)
        if self._favourite is not None:
            return self._favourite.opening() if self._is_settled(self._favourite) else None
        return self._open_without_anchor() if self._no_anchor_will_hold(limit) else None

    def _search(self, limit: int) -> None:
        last = min(self._search_to, limit - LOOK_AHEAD)
        if last < self._searched_to:
            return
        first_sample = self._searched_to - LOOK_BACK
        for index in find_anchors(self._buffer.read(first_sample, last + LOOK_AHEAD)):
            self._candidates.append(_Candidate(self._rules, self._scorer, self._buffer, first_sample + int(index)))
        self._searched_to = last + 1

    def _try_candidates(self, limit: int) -> None:
        while self._candidates and self._matters(self._candidates[0]):
            verdict = self._candidates[0].advance(limit)
            if verdict is _Verdict.PENDING:
                return
            candidate = self._candidates.popleft()
            if verdict is _Verdict.HOLDS:
                self._favourite = candidate
                self._search_to = max(self._search_to, candidate.onset_end)

    def _matters(self, candidate: "_Candidate") -> bool:
        return self._favourite is None or candidate.anchor < self._favourite.onset_end

    def _is_settled(self, favourite: "_Candidate") -> bool:
        has_rival = bool(self._candidates) and self._matters(self._candidates[0])
        return self._searched_to > favourite.onset_end and not has_rival

    def _no_anchor_will_hold(self, limit: int) -> bool:
        if not self._heard.is_confirmed or self._heard.onset is None or self._candidates:
            return False
        follows_at_once = self._heard.onset < self._floor + self._rules.lead
        return follows_at_once or limit >= self._heard.onset + ANCHORLESS_PATIENCE

    def _open_without_anchor(self) -> Opening:
        onset = self._heard.onset or 0
        start = max(self._floor, onset - self._rules.lead)
        return Opening(start=start, onset=onset, run=VadRun(self._scorer, self._buffer, start), anchored=False)


class _Verdict(Enum):
    HOLDS = auto()
    FAILS = auto()
    PENDING = auto()


class _Candidate:
    """An anchor on trial."""

    def __init__(self, rules: EndpointingRules, scorer: SpeechScorer, buffer: SampleBuffer, anchor: int) -> None:
        self.anchor = anchor
        self.start = anchor - rules.lead
        self._run = VadRun(scorer, buffer, self.start)
        self._heard = rules.tracker()

    @property
    def onset(self) -> int:
        """The frame in which speech begins, when the anchor holds."""
        return self._heard.onset or self.anchor

    @property
    def onset_end(self) -> int:
        """Where that frame ends."""
        return self.onset + FRAME_SAMPLES

    def advance(self, limit: int) -> _Verdict:
        """Listen on, to `limit` at most and no further than the verdict needs."""
        too_late = self.anchor + ANCHOR_REACH
        while (frame := self._run.next_frame(limit)) is not None:
            self._heard.observe(*frame)
            if self._heard.onset is None and self._run.position >= too_late:
                return _Verdict.FAILS
            if self._heard.is_confirmed:
                return _Verdict.HOLDS if self.anchor - FRAME_SAMPLES < self.onset < too_late else _Verdict.FAILS
        return _Verdict.PENDING

    def opening(self) -> Opening:
        """The utterance that starts one lead before the anchor."""
        return Opening(start=self.start, onset=self.onset, run=self._run)
