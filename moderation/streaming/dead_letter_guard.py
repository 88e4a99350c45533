"""Stops a worker that would shovel a misconfigured topic into dead letters."""

from collections.abc import Callable

from moderation.clock import Clock
from moderation.errors import DeadLetterCode, TooManyDeadLetters
from moderation.settings import StreamingSettings
from moderation.streaming.dead_letter_rate import DeadLetterRate


class DeadLetterGuard:
    """Told of every message and every dead letter; tells `on_failure` when there are too many."""

    def __init__(
        self, settings: StreamingSettings, *, clock: Clock, on_failure: Callable[[BaseException], None]
    ) -> None:
        self._topic = settings.audio_topic
        self._clock = clock
        self._on_failure = on_failure
        self._rate = DeadLetterRate(
            max_per_minute=settings.max_dead_letters_per_minute, max_share=settings.max_dead_letter_share
        )

    def message(self) -> None:
        """A message was taken in."""
        self._rate.message(self._clock.monotonic_s())

    def letter(self, code: DeadLetterCode) -> None:
        """A message became a dead letter."""
        now_s = self._clock.monotonic_s()
        self._rate.letter(now_s, code.value)
        if self._rate.exceeded(now_s):
            self._on_failure(TooManyDeadLetters(self._rate.message_for_operator(now_s, topic=self._topic)))
