"""Which key an event is published under: what must stay in order shares one."""

from moderation.events import AudioChunk, DeadLetter, ModerationFlag, Transcript


def key_of(event: AudioChunk | Transcript | ModerationFlag | DeadLetter) -> bytes | None:
    """The key of an event's message, as `topics/` documents it. A dead letter keeps the original's, or none."""
    match event:
        case AudioChunk():
            return event.stream_id.encode()
        case Transcript():
            return event.identity.session_id.encode()
        case ModerationFlag():
            return event.identity.speaker_id.encode()
        case DeadLetter():
            return event.key
