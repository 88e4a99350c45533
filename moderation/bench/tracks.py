"""Clips as the chunks of a stream, as a client would send them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

import numpy as np

from moderation.audio.encode import ChunkEncoder
from moderation.audio.utterance import SAMPLE_RATE_HZ, Samples
from moderation.bench.clips import Clip
from moderation.demo.sound_file import resample
from moderation.events import AudioChunk, AudioEncoding

CHUNK_MS = 200
PAUSE_S = 0.6
"""Behind each clip: a breath. Shorter, and clips would run together at the default endpointing silence."""

RATES_HZ = {
    AudioEncoding.OPUS: 48_000,
    AudioEncoding.PCM_S16LE: 16_000,
    AudioEncoding.MULAW: 8_000,
    AudioEncoding.FLAC: 16_000,
}
"""The encodings that are measured, each at the rate that clients usually send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A stream from its first chunk to its end, and how much of it is talk and how much is all of it, s."""

    chunks: tuple[AudioChunk, ...] = field(repr=False)
    talk_s: float
    audio_s: float

    def renamed(self, stream_id: str) -> "Track":
        """The same audio as another stream: an id is used once, and encoding it again would be for nothing."""
        return replace(self, chunks=tuple(replace(c, stream_id=stream_id, speaker_id=stream_id) for c in self.chunks))


def talking(clips: Sequence[Clip], encoding: AudioEncoding, *, stream_id: str, language: str) -> Track:
    """The chunks of `samples_of` the clips."""
    samples = samples_of(clips)
    return Track(
        chunks=tuple(chunks_of(samples, encoding, stream_id=stream_id, language=language)),
        talk_s=sum(clip.duration_s for clip in clips),
        audio_s=len(samples) / SAMPLE_RATE_HZ,
    )


def samples_of(clips: Sequence[Clip]) -> Samples:
    """One clip after another, a breath behind each, at 16 kHz."""
    breath = np.zeros(int(PAUSE_S * SAMPLE_RATE_HZ), np.float32)
    return np.concatenate([part for clip in clips for part in (clip.samples, breath)])


def muted(seconds: float, encoding: AudioEncoding, *, stream_id: str, language: str) -> Track:
    """Digital silence, as a client sends it whose microphone is switched off."""
    samples = np.zeros(int(seconds * SAMPLE_RATE_HZ), np.float32)
    chunks = tuple(chunks_of(samples, encoding, stream_id=stream_id, language=language))
    return Track(chunks=chunks, talk_s=0.0, audio_s=seconds)


def chunks_of(samples: Samples, encoding: AudioEncoding, *, stream_id: str, language: str) -> Iterator[AudioChunk]:
    """16 kHz samples as chunks of CHUNK_MS at the usual rate of the encoding; the last one ends the stream."""
    rate_hz = RATES_HZ[encoding]
    encoder = ChunkEncoder(encoding, rate_hz, CHUNK_MS)
    payloads = [*encoder.encode(resample(samples, SAMPLE_RATE_HZ, rate_hz)), *encoder.flush()]
    begin = datetime.now(UTC)
    for sequence, payload in enumerate(payloads):
        yield AudioChunk(
            tenant_id="bench",
            session_id="bench",
            stream_id=stream_id,
            speaker_id=stream_id,
            sequence=sequence,
            captured_at=begin + timedelta(milliseconds=CHUNK_MS * sequence),
            encoding=encoding,
            sample_rate_hz=rate_hz,
            channels=1,
            payload=payload,
            end_of_stream=sequence == len(payloads) - 1,
            language_hint=language,
        )


class StreamIds:
    """Stream ids that were not used before."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._numbers = count()

    def next(self) -> str:
        """A new one."""
        return f"{self._prefix}-{next(self._numbers)}"


def spread(clips: Sequence[Clip], most_s: float) -> list[Clip]:
    """Clips of at most `most_s` together (and at least one), taken from everywhere among them."""
    step = max(1.0, sum(clip.duration_s for clip in clips) / most_s)
    chosen: list[Clip] = []
    for number in range(max(min(1, len(clips)), int(len(clips) / step))):
        clip = clips[int(number * step)]
        if chosen and sum(each.duration_s for each in chosen) + clip.duration_s > most_s:
            break
        chosen.append(clip)
    return chosen
