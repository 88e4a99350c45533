"""The exception tree.

    ModerationError
    ├── InvalidMessage        a message that no retry can save: dead letter, acked, never retried
    ├── TransientError        may succeed later: retried to a deadline
    │   ├── EngineCrashed     an engine process died with work in hand
    │   ├── EngineFailed      an engine's processes die however often they are replaced: stop, exit non-zero
    │   ├── BrokerUnavailable the broker confirmed nothing until the deadline: stop, exit non-zero
    │   │   └── BrokerAway    the broker answers no question any more
    │   ├── ConsumerStuck     there is something to read, and nothing is read: stop, exit non-zero
    │   ├── NoProgress        there is something to finish, and nothing gets finished: stop, exit non-zero
    │   ├── MemoryCapPassed   the worker and its engine processes grew too large: stop, exit non-zero
    │   └── TooManyDeadLetters  the topic is not what it should be: stop, exit non-zero
    ├── Overload              a bound was reached: pause the source
    ├── ConfigurationError    the operator must change something: stop, exit non-zero
    │   └── ModelMissing      a model is not installed; names the command that installs it
    └── InvariantViolation    a bug of ours: stop, exit non-zero

Messages say what to do next. They never hold transcript text, audio bytes, or the text of another exception that
might: ids, codes and counts only.
"""

from enum import StrEnum


class DeadLetterCode(StrEnum):
    """Why a message could not be processed. The values are stable: dashboards and replay tools depend on them."""

    EMPTY_VALUE = "empty_value"
    UNREADABLE_BATCH = "unreadable_batch"
    UNKNOWN_FRAMING = "unknown_framing"
    UNKNOWN_SCHEMA = "unknown_schema"
    MALFORMED_AVRO = "malformed_avro"
    INVALID_FIELD = "invalid_field"
    KEY_MISMATCH = "key_mismatch"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    UNSUPPORTED_FORMAT = "unsupported_format"
    UNDECODABLE_AUDIO = "undecodable_audio"
    AUDIO_LIMIT_EXCEEDED = "audio_limit_exceeded"
    FORMAT_CHANGED = "format_changed"
    LATE_CHUNK = "late_chunk"
    PROCESSING_FAILED = "processing_failed"


class ModerationError(Exception):
    """The root of everything this package raises on purpose."""


class InvalidMessage(ModerationError):
    """A message that can never be processed.

    `code` is stable; the sentence is for people and holds no personal data.
    """

    def __init__(self, code: DeadLetterCode, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence


class TransientError(ModerationError):
    """Something that may succeed when it is tried again."""


class EngineCrashed(TransientError):
    """A speech recognition process died; the audio it held must be given to another."""


class EngineFailed(TransientError):
    """The processes of a speech engine or decoder die however often they are replaced, or can no longer be started.

    No message is to blame, so none may become a dead letter for it: the worker stops, and what it held is delivered
    again.
    """


class BrokerUnavailable(TransientError):
    """The broker confirmed nothing until the deadline. The worker stops; what it held is delivered again."""


class BrokerAway(BrokerUnavailable):
    """No fetch and no question was answered for too long. The worker stops."""


class ConsumerStuck(TransientError):
    """There are messages to read, and the consumer reads none, or does not answer at all. The worker stops."""


class NoProgress(TransientError):
    """Messages were read, and none of them gets finished. The worker stops; they are delivered again."""


class MemoryCapPassed(TransientError):
    """The worker and its engine processes hold more memory than they may. The worker stops."""


class TooManyDeadLetters(TransientError):
    """So many messages cannot be processed that the topic itself must be wrong. The worker stops."""


class Overload(ModerationError):
    """A bound was reached. The caller pauses its source; nothing is dropped."""


class ConfigurationError(ModerationError):
    """The operator must change a setting, a file or the environment."""


class ModelMissing(ConfigurationError):
    """A model is not installed. The message names the command that installs it."""


class InvariantViolation(ModerationError):
    """Something that cannot happen did. A bug of this package."""
