"""Utterances as intake ends them."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from moderation.audio.utterance import Utterance
from moderation.events import ResumePoint

START = datetime(2026, 1, 1, tzinfo=UTC)


def an_utterance(samples: npt.NDArray[np.float32], **changes: Any) -> Utterance:
    """The first of a stream, of three chunks that began at START, unless it is told otherwise."""
    values: dict[str, Any] = {
        "number": 0,
        "first_sequence": 0,
        "last_sequence": 2,
        "start_ms": 0,
        "end_ms": 1,
        "speech_end_ms": 1,
        "decided_ms": 1,
        "started_at": START,
        "ended_at": START,
        "resume": ResumePoint(sequence=3, skip_samples=0, position=0, captured_at=START, utterances=1),
        "samples": samples,
    }
    return Utterance(**(values | changes))
