import uuid

import pytest

from moderation.settings import KafkaSettings, Settings, StreamingSettings


@pytest.fixture
def settings(bootstrap: str) -> Settings:
    """Settings with topics that no other test has."""
    unique = uuid.uuid4().hex[:8]
    return Settings(
        broker=bootstrap,
        kafka=KafkaSettings(request_timeout_s=10),
        streaming=StreamingSettings(
            audio_topic=f"audio-{unique}",
            transcripts_topic=f"transcripts-{unique}",
            flags_topic=f"flags-{unique}",
            dead_letters_topic=f"dead-letters-{unique}",
            resume_marks_topic=f"resume-marks-{unique}",
            replays_topic=f"replays-{unique}",
            publish_timeout_s=10,
        ),
    )
