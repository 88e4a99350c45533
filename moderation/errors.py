"""The exception tree.

    ModerationError
    ├── InvalidMessage        a message that no retry can save: dead letter, acked, never retried
    ├── TransientError        may succeed later: retried to a deadline
    │   ├── EngineCrashed     an engine process died with work in hand
    │   └── BrokerUnavailable the broker confirmed nothing until the deadline: stop, exit non-zero
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


class BrokerUnavailable(TransientError):
    """The broker confirmed nothing until the deadline. The worker stops; what it held is delivered again."""


class Overload(ModerationError):
    """A bound was reached. The caller pauses its source; nothing is dropped."""


class ConfigurationError(ModerationError):
    """The operator must change a setting, a file or the environment."""


class ModelMissing(ConfigurationError):
    """A model is not installed. The message names the command that installs it."""


class InvariantViolation(ModerationError):
    """Something that cannot happen did. A bug of this package."""
