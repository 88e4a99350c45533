"""Workers that serve Korean alone: one small model, in processes of its own, loaded in seconds."""

from pathlib import Path
from uuid import uuid4

from loadtest.processes import apply_topics, worker_environment

ONLY_KOREAN = {
    "ASR__ENGINES": '{"ko": ["vosk:ko"]}',
    "LANGUAGE__CANDIDATES": '["ko"]',
    "LANGUAGE__DEFAULT": "ko",
    "LANGUAGE__IDENTIFY_AUDIO": "false",
}
PROMPT = {
    "KAFKA__SESSION_TIMEOUT_S": 6,
    "KAFKA__HEARTBEAT_INTERVAL_S": 1,
    "KAFKA__REBALANCE_TIMEOUT_S": 12,
    "STREAMING__DRAIN_DEADLINE_S": 3.0,
}


def korean_environment(bootstrap: str, folder: Path, **settings: object) -> dict[str, str]:
    """The environment of a worker with a group and topics of its own, which exist when this returns."""
    environment = worker_environment(bootstrap, uuid4().hex[:8], ONLY_KOREAN | PROMPT | settings)
    apply_topics(environment, folder)
    return environment
