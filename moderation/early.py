"""Recognising an utterance at a pause that may be its end, so that nothing is left to do when it was."""

from concurrent.futures import Executor, Future

from moderation.asr.engine import Recognition, Samples, SpeechEngine
from moderation.audio.utterance import Utterance, UtterancePaused
from moderation.clock import Clock


class EarlyRecognition:
    """The recognition of an utterance as if it had ended at a pause. Once begun it goes on to its end."""

    def __init__(
        self, engine: SpeechEngine, *, stream_id: str, language: str, paused: UtterancePaused, clock: Clock
    ) -> None:
        self.engine = engine
        self.language = language
        self._stream_id = stream_id
        self._number = paused.number
        self._length = len(paused.samples)
        self._samples = paused.samples
        self._clock = clock
        self._began_s = 0.0
        self._ended_s: float | None = None
        self._future: Future[Recognition] | None = None

    @property
    def has_begun(self) -> bool:
        return self._future is not None

    @property
    def took_s(self) -> float:
        """How long it took, or has taken since it began, s."""
        return (self._clock.monotonic_s() if self._ended_s is None else self._ended_s) - self._began_s

    def is_of(self, utterance: Utterance) -> bool:
        """Whether the utterance ended at the pause. A pause elsewhere would have made it longer or shorter."""
        return (utterance.number, len(utterance.samples)) == (self._number, self._length)

    def begin(self, pool: Executor) -> Future[Recognition]:
        """Recognise, on a thread of the pool. Once."""
        self._began_s = self._clock.monotonic_s()
        self._future = pool.submit(self._recognise, self._samples)
        # The stream keeps this until the utterance goes on to its next pause: not its audio too.
        self._samples = self._samples[:0].copy()
        return self._future

    def result(self) -> Recognition | None:
        """What was recognised, as soon as it was; None where it failed, or never began. Blocks."""
        if self._future is None:
            return None
        try:
            return self._future.result()
        except Exception:  # noqa: BLE001  whoever recognises the utterance now will know how to deal with it
            return None

    def _recognise(self, samples: Samples) -> Recognition:
        recognizer = self.engine.recognizer(stream_id=self._stream_id, language=self.language)
        try:
            recognizer.accept(samples)
            return recognizer.finish()
        finally:
            recognizer.close()
            self._ended_s = self._clock.monotonic_s()
