"""Flags and transcripts as they come back, for tests of what is made of them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from moderation.demo.tally import SeenFlag
from moderation.events import (
    Detection,
    DetectionKind,
    Evidence,
    LanguageGuess,
    ModerationFlag,
    Severity,
    StreamIdentity,
    Transcript,
)

ENDED_AT = datetime(2026, 1, 1, 12, 0, 5, tzinfo=UTC)


def detection(category: str, score: float, severity: Severity) -> Detection:
    return Detection(
        kind=DetectionKind.TOXICITY,
        category=category,
        score=score,
        threshold=0.5,
        severity=severity,
        start_ms=None,
        end_ms=None,
        explanation="",
        source="test@1",
    )


def make_flag(
    flag_id: str = "f1",
    *,
    stream_id: str = "s",
    start_ms: int = 0,
    end_ms: int = 1000,
    latency_ms: float = 800,
    revision: int = 0,
    provisional: bool = False,
    detections: tuple[tuple[str, float, Severity], ...] = (("insult", 0.9, Severity.MEDIUM),),
    text: str = "you ***",
) -> SeenFlag:
    flag = ModerationFlag(
        flag_id=flag_id,
        revision=revision,
        provisional=provisional,
        identity=StreamIdentity(tenant_id="demo", session_id="m", stream_id=stream_id, speaker_id="p"),
        started_at=ENDED_AT - timedelta(milliseconds=end_ms - start_ms),
        ended_at=ENDED_AT,
        start_ms=start_ms,
        end_ms=end_ms,
        first_sequence=0,
        last_sequence=5,
        text=text,
        words=(),
        language=LanguageGuess(language="en", confidence=0.9),
        detections=tuple(detection(*one) for one in detections),
        scores={},
        severity=max((one[2] for one in detections), key=lambda severity: severity.rank, default=Severity.NONE),
        action="review",
        policy_id="default",
        policy_version="1",
        models={},
        context=(),
        evidence=Evidence(topic="voice-audio", partition=0, first_offset=0, last_offset=5, sha256="0" * 64),
        speaker_strikes=None,
        timings_ms={},
        flagged_at=ENDED_AT,
    )
    return SeenFlag(flag=flag, arrived_at=ENDED_AT + timedelta(milliseconds=latency_ms))


def make_transcript(utterance_id: str, *, is_final: bool = True) -> Transcript:
    return Transcript(
        utterance_id=utterance_id,
        identity=StreamIdentity(tenant_id="demo", session_id="m", stream_id="s", speaker_id="p"),
        started_at=ENDED_AT,
        ended_at=ENDED_AT,
        start_ms=0,
        end_ms=1000,
        first_sequence=0,
        last_sequence=5,
        is_final=is_final,
        language=LanguageGuess(language="en", confidence=0.9),
        text="hello",
        words=(),
        engine="whisper:tiny.en",
        model="whisper:tiny.en@1",
    )


@pytest.fixture
def flag() -> Callable[..., SeenFlag]:
    """Makes flags."""
    return make_flag


@pytest.fixture
def transcript() -> Callable[..., Transcript]:
    """Makes transcripts."""
    return make_transcript
