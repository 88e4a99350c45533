"""What intake makes of a stream: utterances that open, grow, pause and close."""

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt

from moderation.events import MissingAudio, ResumePoint

SAMPLE_RATE_HZ = 16_000
"""Everything behind the decoder works at this rate, mono."""

Samples = npt.NDArray[np.float32]
"""Mono audio at SAMPLE_RATE_HZ, shape (n,), in [-1, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UtteranceOpened:
    """Speech began. `number` counts the utterances of the stream from 0; all fields are those of its `Utterance`."""

    number: int
    first_sequence: int
    start_ms: int
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UtteranceAudio:
    """More audio of the open utterance.

    The pieces of one utterance, joined, begin with the samples of its `Utterance`; they may go on into the silence that
    ended it.
    """

    number: int
    samples: Samples = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UtterancePaused:
    """The open utterance is over if it does not go on: `samples` are then those of its `Utterance`."""

    number: int
    samples: Samples = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """An endpointed utterance, padding included.

    `start_ms`/`end_ms` bound `samples` on the stream's timeline; `speech_end_ms` is where speech ended, `decided_ms`
    how far the stream had come when the end was decided (the difference is the endpointing silence). `first_sequence`
    and `last_sequence` are the chunks that hold the first sample and the sample at which the end was decided.
    `started_at` and `ended_at` are the instants of `start_ms` and `speech_end_ms`, from the chunks' `captured_at`; they
    are the same instant where that clock went back in between. `missing` lists the audio that never came, in order.
    `resume` is where a fresh intake goes on to find the utterances that follow.
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
    missing: tuple[MissingAudio, ...] = ()
    resume: ResumePoint
    samples: Samples = field(repr=False)


IntakeEvent = UtteranceOpened | UtteranceAudio | UtterancePaused | Utterance


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeResult:
    """What one chunk, or the end of the stream, led to.

    `needed_from_sequence` is the earliest chunk that a fresh intake would need to find the utterances still to come as
    they are, what its decoder needs to settle included: every chunk before it that is not part of an unpublished
    utterance may be acked. None: nothing is held back, all chunks so far may be acked.

    `clock_jump_ms` is by how much `captured_at` of the chunk was off where the audio cannot have been: far earlier than
    the end of the chunk before (negative), or far later though not one sequence lies between and nothing had ended the
    run (positive). 0: it did not jump. `origin` is where the stream began, for who has heard no utterance yet: the
    first chunk that held audio, or what the intake was resumed from. None until then.
    """

    events: tuple[IntakeEvent, ...]
    needed_from_sequence: int | None
    clock_jump_ms: int = 0
    origin: ResumePoint | None = None
