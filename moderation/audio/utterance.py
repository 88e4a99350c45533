"""What intake makes of a stream: utterances that open, grow and close."""

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt

SAMPLE_RATE_HZ = 16_000
"""Everything behind the decoder works at this rate, mono."""

Samples = npt.NDArray[np.float32]
"""Mono audio at SAMPLE_RATE_HZ, shape (n,), in [-1, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UtteranceOpened:
    """Speech began. `number` counts the utterances of the stream from 0."""

    number: int
    first_sequence: int
    start_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UtteranceAudio:
    """More audio of the open utterance.

    The pieces of one utterance, joined, begin with the samples of its `Utterance`; they may go on into the silence that
    ended it.
    """

    number: int
    samples: Samples = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """An endpointed utterance, padding included.

    `start_ms`/`end_ms` bound `samples` on the stream's timeline; `speech_end_ms` is where speech ended, `decided_ms`
    how far the stream had come when the end was decided (the difference is the endpointing silence). `first_sequence`
    and `last_sequence` are the chunks that hold the first sample and the sample at which the end was decided.
    `started_at` and `ended_at` are the instants of `start_ms` and `speech_end_ms`, from the chunks' `captured_at`.
    """

    number: int
    first_sequence: int
    last_sequence: int
    start_ms: int
    end_ms: int
    speech_end_ms: int
    decided_ms: int
    started_at: datetime
    ended_at: datetime
    samples: Samples = field(repr=False)


IntakeEvent = UtteranceOpened | UtteranceAudio | Utterance


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeResult:
    """What one chunk, or the end of the stream, led to.

    `needed_from_sequence` is the earliest chunk that an utterance still to come may need: every chunk before it that is
    not part of an unpublished utterance may be acked. None: nothing is held back, all chunks so far may be acked.
    """

    events: tuple[IntakeEvent, ...]
    needed_from_sequence: int | None
