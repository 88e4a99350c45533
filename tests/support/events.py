"""Events for tests, with every field set and any of them changed."""

from datetime import UTC, datetime

from moderation.events import Evidence, LanguageGuess, ModerationFlag, Severity, StreamIdentity

START = datetime(2026, 1, 1, tzinfo=UTC)


def a_flag(*, stream_id: str = "m", **changes: object) -> ModerationFlag:
    """A flag of a stream."""
    values = {
        "flag_id": "f",
        "revision": 0,
        "provisional": False,
        "identity": StreamIdentity(tenant_id="t", session_id="s", stream_id=stream_id, speaker_id="p"),
        "started_at": START,
        "ended_at": START,
        "start_ms": 0,
        "end_ms": 1,
        "first_sequence": 0,
        "last_sequence": 1,
        "text": "",
        "words": (),
        "language": LanguageGuess(language="en", confidence=1.0),
        "detections": (),
        "scores": {},
        "severity": Severity.LOW,
        "action": "mask",
        "policy_id": "default",
        "policy_version": "1",
        "models": {},
        "context": (),
        "evidence": Evidence(topic="voice-audio", partition=0, first_offset=0, last_offset=1, sha256="0" * 64),
        "speaker_strikes": None,
        "timings_ms": {},
        "flagged_at": START,
    }
    return ModerationFlag(**(values | changes))
