from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from moderation.contracts.codecs import Codecs, load_codecs
from moderation.events import AudioChunk, AudioEncoding
from moderation.settings import Settings


@pytest.fixture
def codecs() -> Codecs:
    return load_codecs(Settings())


@pytest.fixture
def chunk() -> Callable[..., AudioChunk]:
    """Makes a valid chunk, with changes."""

    def make(**changes: Any) -> AudioChunk:
        values: dict[str, Any] = {
            "tenant_id": "acme",
            "session_id": "s",
            "stream_id": "s/1",
            "speaker_id": "p",
            "sequence": 3,
            "captured_at": datetime(2026, 3, 1, tzinfo=UTC),
            "encoding": AudioEncoding.PCM_S16LE,
            "sample_rate_hz": 16_000,
            "channels": 1,
            "payload": b"\x01\x02",
        }
        return AudioChunk(**{**values, **changes})

    return make
