"""A limit on dead letters per minute: a misconfigured topic must stop the worker, not be shovelled into them."""

from collections import Counter, deque
from dataclasses import dataclass, field

WINDOW_S = 60
BUCKET_S = 1
DOMINANT_CODES = 3
"""How many codes the text for the operator names."""


@dataclass(slots=True)
class _Bucket:
    """What was counted in one second."""

    number: int
    messages: int = 0
    letters: Counter[str] = field(default_factory=Counter)


class DeadLetterRate:
    """Counts messages and dead letters of the last minute, in buckets of a second; told the time, it reads no clock.

    `exceeded` when more than `max_per_minute` letters came within the minute and they are at least `max_share` of its
    messages: one hostile client among many does not stop a worker that serves the others. Memory is bounded by the
    buckets of a minute, whatever comes; codes are `DeadLetterCode`s, so there are few. Times are of one monotonic
    clock, in seconds; one before the latest told counts as the latest.
    """

    def __init__(self, *, max_per_minute: int, max_share: float) -> None:
        self._max_per_minute = max_per_minute
        self._max_share = max_share
        self._buckets: deque[_Bucket] = deque()
        self._messages = 0
        self._letters: Counter[str] = Counter()

    def message(self, now_s: float) -> None:
        """A message was taken in, whatever becomes of it."""
        self._bucket(now_s).messages += 1
        self._messages += 1

    def letter(self, now_s: float, code: str = "") -> None:
        """A message that was taken in became a dead letter with this code."""
        self._bucket(now_s).letters[code] += 1
        self._letters[code] += 1

    def exceeded(self, now_s: float) -> bool:
        """Whether the worker should stop."""
        self._forget(now_s)
        letters = self._letters.total()
        return letters > self._max_per_minute and letters >= self._max_share * self._of_messages(letters)

    def by_code(self, now_s: float) -> dict[str, int]:
        """Dead letters of the last minute by code, most frequent first."""
        self._forget(now_s)
        return dict(self._letters.most_common())

    def message_for_operator(self, now_s: float, *, topic: str) -> str:
        """Why the worker stops and what to do, as a sentence: counts and codes only."""
        counts = self.by_code(now_s)
        letters = self._letters.total()
        named = ", ".join(f"{code or 'unknown'} {count}" for code, count in list(counts.items())[:DOMINANT_CODES])
        return (
            f"{letters} of the last minute's {self._of_messages(letters)} messages of {topic} became dead letters "
            f"({named}); {self._max_per_minute} a minute are allowed while they are {self._max_share:.0%} of the "
            f"messages or more. {_advice(next(iter(counts), ''))} See `moderation dead-letters --details`; "
            "when the cause is gone, start the worker again and run `moderation dead-letters replay`. If such a rate "
            "is normal here, raise MODERATION_STREAMING__MAX_DEAD_LETTERS_PER_MINUTE"
        )

    def _of_messages(self, letters: int) -> int:
        # Letters of messages taken in before the minute began may outnumber its messages.
        return max(self._messages, letters)

    def _bucket(self, now_s: float) -> _Bucket:
        self._forget(now_s)
        number = int(now_s // BUCKET_S)
        if not self._buckets or self._buckets[-1].number < number:
            self._buckets.append(_Bucket(number))
        return self._buckets[-1]

    def _forget(self, now_s: float) -> None:
        oldest = int(now_s // BUCKET_S) - WINDOW_S // BUCKET_S
        while self._buckets and self._buckets[0].number <= oldest:
            gone = self._buckets.popleft()
            self._messages -= gone.messages
            self._letters -= gone.letters  # codes that come to nothing leave


def _advice(code: str) -> str:
    match code:
        case "unknown_framing" | "unknown_schema" | "malformed_avro" | "empty_value":
            return (
                "Is this the right topic (MODERATION_STREAMING__AUDIO_TOPIC), and do its producers write a version of "
                "AudioChunk that this application knows?"
            )
        case "key_mismatch":
            return "Have the producers key each chunk by its stream_id."
        case "payload_too_large" | "audio_limit_exceeded" | "invalid_field":
            return "Compare what the producers send with MODERATION_AUDIO__* and MODERATION_CONTRACTS__*."
        case "undecodable_audio" | "unsupported_format" | "format_changed":
            return "Compare the encoding that the producers declare with what they send."
        case "processing_failed":
            return "The failure is in this worker: look at its log and at `moderation doctor`."
        case _:
            return "Look at what changed in the producers."
