"""A worker that was killed while somebody spoke heard the same words from another place on.

While an utterance was open, everything before its first chunk was let go. Where its speech set in at once behind the
beginning of that chunk, the successor took it for speech that follows on something: the utterance began earlier.
"""

import random
from datetime import UTC, datetime
from pathlib import Path

from loadtest.faults.options import FaultCounts, FaultOptions
from loadtest.faults.script import write_scripts
from loadtest.sounds import load_sounds
from moderation.audio.intake import StreamIntake
from moderation.audio.utterance import Utterance
from moderation.audio.vad import SileroVad
from moderation.events import AudioChunk, ResumePoint
from moderation.settings import AudioSettings

CHUNKS = 200
SPOKEN = (129, 147)
"""The chunks of the utterance that was heard otherwise."""


def chunks() -> list[AudioChunk]:
    """The stream of the load test in which it happened."""
    options = FaultOptions(counts=FaultCounts(), seconds=90, streams=12, workers=2, seed=1, folder=Path())
    scripts = write_scripts(options, load_sounds(), prefix="x", rng=random.Random(1))
    script = next(script for script in scripts if script.stream_id.startswith("x-10-"))
    return [script.chunk(sequence, datetime(2026, 1, 1, tzinfo=UTC)) for sequence in range(CHUNKS)]


def heard(intake: StreamIntake, stream: list[AudioChunk]) -> list[tuple[list[Utterance], int | None]]:
    """Of each chunk the utterances that ended with it, and the first chunk that was still needed."""
    results = [intake.accept(chunk) for chunk in stream]
    return [
        ([event for event in result.events if isinstance(event, Utterance)], result.needed_from_sequence)
        for result in results
    ]


def test_an_utterance_begins_at_the_same_sample_wherever_the_commit_stood_while_it_was_open() -> None:
    vad, settings, stream = SileroVad(), AudioSettings(), chunks()
    told = heard(StreamIntake(settings, vad), stream)
    utterances = [utterance for ended, _ in told for utterance in ended]
    spoken = next(each for each in utterances if (each.first_sequence, each.last_sequence) == SPOKEN)
    resume: ResumePoint = utterances[utterances.index(spoken) - 1].resume
    first, last = SPOKEN
    commits = {needed for _, needed in told[first - 10 : last] if needed is not None}
    assert len(commits) > 5
    for commit in commits:
        again = heard(StreamIntake(settings, vad, resume=resume), stream[commit : last + 1])
        (replayed,) = [utterance for ended, _ in again for utterance in ended]
        assert (replayed.start_ms, replayed.end_ms) == (spoken.start_ms, spoken.end_ms)
