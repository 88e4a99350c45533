"""Audio that a computer made, and chunks of it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from moderation.audio.encode import ChunkEncoder
from moderation.audio.intake import StreamIntake
from moderation.audio.utterance import IntakeEvent, IntakeResult, Samples, Utterance
from moderation.events import AudioChunk, AudioEncoding

START = datetime(2026, 1, 1, tzinfo=UTC)
RATE = 16_000


def voiced(seconds: float, *, seed: int = 0, rate: int = RATE, pitch_hz: float = 120.0) -> Samples:
    """What the VAD takes for speech: a gliding voice with moving formants and syllables, peak 0.3."""
    t = np.arange(int(seconds * rate)) / rate
    pitch = pitch_hz * (1 + 0.1 * np.sin(2 * np.pi * 2.3 * t + seed) + 0.02 * np.sin(2 * np.pi * 5 * t))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    formants = ((500 + 250 * np.sin(2 * np.pi * 3 * t), 80, 1.0), (1500 + 600 * np.sin(2 * np.pi * 2.1 * t), 120, 0.6))
    voice = np.zeros(len(t))
    for harmonic in range(1, 24):
        frequency = harmonic * pitch
        loudness = sum(gain / (1 + ((frequency - centre) / width) ** 2) for centre, width, gain in formants)
        voice += (loudness + 0.02 / harmonic) * np.sin(harmonic * phase) * (frequency < 3_600)
    voice *= 0.55 - 0.45 * np.cos(2 * np.pi * 4 * t)
    return (0.3 * voice / max(1e-9, np.abs(voice).max())).astype(np.float32)


def silence(seconds: float, rate: int = RATE) -> Samples:
    """Digital silence."""
    return np.zeros(int(seconds * rate), np.float32)


def with_noise(samples: Samples, level: float = 0.001, seed: int = 0) -> Samples:
    """The samples in a quiet room."""
    noise = np.random.default_rng(seed).standard_normal(len(samples)).astype(np.float32)
    return np.clip(samples + np.float32(level) * noise, -1, 1)


def conversation(seed: int = 0, *, rate: int = RATE, utterances: int = 3, noise: float = 0.001) -> Samples:
    """Utterances of 0.5 to 1.5 s with pauses of 0.7 to 1.6 s, in a quiet room."""
    rng = np.random.default_rng(seed)
    parts = [silence(float(rng.uniform(0.3, 1.2)), rate)]
    for number in range(utterances):
        parts.append(voiced(float(rng.uniform(0.5, 1.5)), seed=seed + number, rate=rate))
        parts.append(silence(float(rng.uniform(0.7, 1.6)), rate))
    return with_noise(np.concatenate(parts), noise, seed)


def s16(samples: Samples) -> bytes:
    """As PCM_S16LE."""
    return np.clip(np.rint(samples * 32_768), -32_768, 32_767).astype("<i2").tobytes()


def chunk(payload: bytes, sequence: int = 0, **fields: object) -> AudioChunk:
    """A chunk of PCM_S16LE at 16 kHz, unless `fields` say otherwise."""
    values: dict[str, object] = {
        "tenant_id": "tenant",
        "session_id": "session",
        "stream_id": "stream",
        "speaker_id": "speaker",
        "sequence": sequence,
        "captured_at": START,
        "encoding": AudioEncoding.PCM_S16LE,
        "sample_rate_hz": RATE,
        "channels": 1,
        "payload": payload,
    }
    return AudioChunk(**(values | fields))  # type: ignore[arg-type]


def pcm_chunks(samples: Samples, sizes: Sequence[int], *, rate: int = RATE) -> list[AudioChunk]:
    """PCM_S16LE chunks whose lengths in samples go through `sizes`, over and over."""
    data = s16(samples)
    chunks: list[AudioChunk] = []
    start = 0
    while start < len(samples):
        end = start + sizes[len(chunks) % len(sizes)]
        instant = START + timedelta(milliseconds=start * 1000 // rate)
        chunks.append(chunk(data[2 * start : 2 * end], len(chunks), captured_at=instant, sample_rate_hz=rate))
        start = end
    return chunks


def encoded_chunks(samples: Samples, encoding: AudioEncoding, rate: int, chunk_ms: int = 200) -> list[AudioChunk]:
    """Chunks of any encoding, all of `chunk_ms` but the last."""
    encoder = ChunkEncoder(encoding, rate, chunk_ms)
    return [
        chunk(
            payload,
            number,
            captured_at=START + timedelta(milliseconds=number * chunk_ms),
            encoding=encoding,
            sample_rate_hz=rate,
        )
        for number, payload in enumerate([*encoder.encode(samples), *encoder.flush()])
    ]


def take_all(intake: StreamIntake, chunks: Iterable[AudioChunk]) -> list[IntakeResult]:
    """What the intake makes of the chunks and of the end of the stream."""
    return [*(intake.accept(each) for each in chunks), intake.finish()]


def utterances_of(results: Iterable[IntakeResult]) -> list[Utterance]:
    """The finished utterances."""
    return [event for event in events_of(results) if isinstance(event, Utterance)]


def events_of(results: Iterable[IntakeResult]) -> list[IntakeEvent]:
    """All events, in order."""
    return [event for result in results for event in result.events]
