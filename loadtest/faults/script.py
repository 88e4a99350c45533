"""What the streams of a fault run say, chunk by chunk: the same in the reference run and in the faulted run."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from loadtest.clips import PACKET_MS
from loadtest.conversation import Track, make_track
from loadtest.faults.options import CHUNK_MS, FaultOptions
from loadtest.sounds import Sounds
from moderation.events import AudioChunk, AudioEncoding

STREAMS_PER_SESSION = 5
SHORT_SHARE = 3
"""Of every so many places one is taken by short streams, one after another; the others talk for the whole run."""
SHORT_STREAM_S = (15.0, 45.0)
PAUSE_BETWEEN_S = (1.0, 6.0)
SHORTEST_STREAM_S = 8.0
UNENDED_SHARE = 7
"""One in so many long streams never says that it ended."""
HINTS: tuple[str | None, ...] = ("en", "en", "ko", "en", None, "en")
"""Hints of neighbouring places. `ko` is served by Vosk processes: what they make of English is wrong but repeatable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamScript:
    """One stream. `start_s` counts from the start of the run."""

    stream_id: str
    session_id: str
    speaker_id: str
    language_hint: str | None
    start_s: float
    sounds: Sounds
    track: Track
    is_ended: bool
    """Whether its last chunk says so."""

    @property
    def encoding(self) -> AudioEncoding:
        """How it is encoded."""
        return self.sounds.encoding

    @property
    def chunks(self) -> int:
        """How many chunks it has."""
        return -(-len(self.track.packets) // (CHUNK_MS // PACKET_MS))

    def due_s(self, sequence: int) -> float:
        """When a chunk is sent, in seconds from the start of the run: once its last sample was spoken."""
        return self.start_s + (sequence + 1) * CHUNK_MS / 1000

    def chunk(self, sequence: int, began_at: datetime) -> AudioChunk:
        """A chunk of the run that began at the instant given."""
        per_chunk = CHUNK_MS // PACKET_MS
        frames = self.track.packets[sequence * per_chunk : (sequence + 1) * per_chunk]
        return AudioChunk(
            tenant_id="loadtest",
            session_id=self.session_id,
            stream_id=self.stream_id,
            speaker_id=self.speaker_id,
            sequence=sequence,
            captured_at=began_at + timedelta(seconds=self.start_s, milliseconds=sequence * CHUNK_MS),
            encoding=self.encoding,
            sample_rate_hz=self.sounds.sample_rate_hz,
            channels=1,
            payload=self.sounds.payload(frames),
            end_of_stream=self.is_ended and sequence == self.chunks - 1,
            language_hint=self.language_hint,
        )


def write_scripts(
    options: FaultOptions, sounds: Mapping[AudioEncoding, Sounds], *, prefix: str, rng: random.Random
) -> list[StreamScript]:
    """The streams of a run, `options.streams` of them at a time.

    Encodings and hints change from place to place, with periods that have no common divisor, so that all pairs occur.
    """
    encodings = tuple(sounds)
    scripts = []
    for place in range(options.streams):
        kind = sounds[encodings[(place + place // len(HINTS)) % len(encodings)]]
        for number, (start_s, length_s) in enumerate(_lives(place, options.seconds, rng)):
            is_long = place % SHORT_SHARE != SHORT_SHARE - 1
            scripts.append(
                StreamScript(
                    stream_id=f"{prefix}-{place}-{number}",
                    session_id=f"{prefix}-{place // STREAMS_PER_SESSION}",
                    speaker_id=f"{prefix}-speaker-{place}",
                    language_hint=HINTS[place % len(HINTS)],
                    start_s=start_s,
                    sounds=kind,
                    track=make_track(
                        kind.clips,
                        kind.silence,
                        duration_ms=round(length_s * 1000),
                        talk_ratio=options.talk_ratio,
                        rng=rng,
                    ),
                    is_ended=not (is_long and place % UNENDED_SHARE == UNENDED_SHARE - 1),
                )
            )
    return scripts


def _lives(place: int, seconds: float, rng: random.Random) -> Iterator[tuple[float, float]]:
    """Start and length of the streams in a place, one after another, s."""
    # Clients know nothing of each other: their chunks do not come at the same instants.
    start_s = round(rng.uniform(0.0, CHUNK_MS / 1000), 3)
    if place % SHORT_SHARE != SHORT_SHARE - 1:
        yield start_s, seconds - start_s
        return
    while seconds - start_s >= SHORTEST_STREAM_S:
        length_s = min(round(rng.uniform(*SHORT_STREAM_S), 1), seconds - start_s)
        yield start_s, length_s
        start_s = round(start_s + length_s + rng.uniform(*PAUSE_BETWEEN_S), 3)
