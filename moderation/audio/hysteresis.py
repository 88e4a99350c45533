"""From speech probabilities to speech: where it starts, that it is long enough to count, where it pauses."""

from moderation.audio.vad import FRAME_SAMPLES


class SpeechTracker:
    """Follows the frames of one run of the VAD. Positions are sample indices of the stream.

    Speech starts at a frame at or above `speech_threshold` and counts once it has lasted `min_speech` samples without
    a frame below `silence_threshold`. From then on, silence starts at a frame below `silence_threshold` and is undone
    by one at or above `speech_threshold`.
    """

    def __init__(self, *, speech_threshold: float, silence_threshold: float, min_speech: int) -> None:
        self._speech_threshold = speech_threshold
        self._silence_threshold = silence_threshold
        self._min_speech = min_speech
        self.onset: int | None = None
        """Where the speech began that is going on, or that may prove long enough."""
        self.is_confirmed = False
        """Whether the speech was long enough to count."""
        self.silent_from: int | None = None
        """Where confirmed speech paused, None while it goes on."""

    def observe(self, frame_start: int, probability: float) -> None:
        """Take the next frame."""
        if self.is_confirmed:
            self._observe_pause(frame_start, probability)
            return
        if probability >= self._speech_threshold and self.onset is None:
            self.onset = frame_start
        elif probability < self._silence_threshold:
            self.onset = None
        if self.onset is not None:
            self.is_confirmed = frame_start + FRAME_SAMPLES - self.onset >= self._min_speech

    def _observe_pause(self, frame_start: int, probability: float) -> None:
        if probability >= self._speech_threshold:
            self.silent_from = None
        elif probability < self._silence_threshold and self.silent_from is None:
            self.silent_from = frame_start
