"""Events as JSON, with the field names of their schemas."""

import base64
from datetime import UTC, datetime
from typing import Any

from moderation.contracts import audio_chunk, dead_letter, moderation_flag, replay, resume_mark, transcript
from moderation.contracts.record import Record
from moderation.contracts.replay import DeadLetterReplay
from moderation.events import AudioChunk, DeadLetter, ModerationFlag, ResumeMark, Transcript


def to_json(
    event: AudioChunk | Transcript | ModerationFlag | DeadLetter | ResumeMark | DeadLetterReplay,
) -> dict[str, Any]:
    """The event as values that `json.dumps` takes.

    Instants are ISO 8601 in UTC with milliseconds and `Z`, enums their symbols, bytes base64. The fields are those of
    the event's schema, in its order or near it.
    """
    return {name: _plain(value) for name, value in _record(event).items()}


def _record(event: AudioChunk | Transcript | ModerationFlag | DeadLetter | ResumeMark | DeadLetterReplay) -> Record:
    match event:
        case AudioChunk():
            return audio_chunk.to_record(event)
        case Transcript():
            return transcript.to_record(event)
        case ModerationFlag():
            return moderation_flag.to_record(event)
        case DeadLetter():
            return dead_letter.to_record(event)
        case ResumeMark():
            return resume_mark.to_record(event)
        case DeadLetterReplay():
            return replay.to_record(event)


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case _:
            return value
