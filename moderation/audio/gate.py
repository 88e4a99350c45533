"""The pass of the VAD over what lies between utterances, spared where there is next to no sound.

Most of voice chat is silence: a muted microphone would cost as much as one that is spoken into. What the gate says only
tells where to look for an utterance (`listening`), so it may begin anew wherever sound begins.
"""

from collections import deque
from itertools import groupby

import numpy as np

from moderation.audio.buffer import SampleBuffer
from moderation.audio.vad import FRAME_SAMPLES, SpeechScorer
from moderation.audio.vad_run import VadRun

QUIET_PEAK = 2.0**-11
"""-66 dB of full scale, 16 steps of 16-bit audio: what stays below holds no speech that the VAD would hear."""

QUIET_FRAMES = 16
"""0.5 s: after so many quiet frames the gate falls asleep, until the first that is not."""


class Gate:
    """Its frames lie at start, start + FRAME_SAMPLES, ...; what it says does not depend on how the audio arrived."""

    def __init__(self, scorer: SpeechScorer, buffer: SampleBuffer, start: int) -> None:
        self._scorer = scorer
        self._buffer = buffer
        self._run: VadRun | None = None
        self._quiet_frames = 0
        self._judged_to = start
        self._probabilities: deque[float] = deque()
        self.position = start
        """Where the next frame to be returned starts."""

    def next_frame(self, limit: int) -> tuple[int, float] | None:
        """The start and the speech probability of the next frame (0 while asleep), None when it would end beyond
        `limit`. All whole frames up to `limit` that are not judged yet are judged at once."""
        if self.position + FRAME_SAMPLES > limit:
            return None
        if not self._probabilities:
            self._judge((limit - self._judged_to) // FRAME_SAMPLES)
        start = self.position
        self.position += FRAME_SAMPLES
        return start, self._probabilities.popleft()

    def sleeps_through(self, limit: int) -> bool:
        """Pass over all frames before `limit` if the gate is asleep and they are digital silence; else do nothing."""
        if self._quiet_frames < QUIET_FRAMES or self._probabilities:
            return False
        end = self.position + max(0, limit - self.position) // FRAME_SAMPLES * FRAME_SAMPLES
        if not self._buffer.is_silent(self.position, end):
            return False
        self._quiet_frames += (end - self.position) // FRAME_SAMPLES
        self._run = None
        self._judged_to = self.position = end
        return True

    def _judge(self, frames: int) -> None:
        samples = self._buffer.read(self._judged_to, self._judged_to + frames * FRAME_SAMPLES)
        peaks = np.abs(samples).reshape(frames, FRAME_SAMPLES).max(axis=1)
        asleep = [self._falls_or_stays_asleep(float(peak)) for peak in peaks]
        for is_asleep, members in groupby(asleep):
            self._pass_over(len(list(members)), is_asleep=is_asleep)

    def _falls_or_stays_asleep(self, peak: float) -> bool:
        self._quiet_frames = self._quiet_frames + 1 if peak < QUIET_PEAK else 0
        return self._quiet_frames >= QUIET_FRAMES

    def _pass_over(self, frames: int, *, is_asleep: bool) -> None:
        end = self._judged_to + frames * FRAME_SAMPLES
        if is_asleep:
            self._run = None
            self._probabilities.extend([0.0] * frames)
        else:
            self._run = self._run or VadRun(self._scorer, self._buffer, self._judged_to)
            while (frame := self._run.next_frame(end)) is not None:
                self._probabilities.append(frame[1])
        self._judged_to = end
