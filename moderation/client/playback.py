"""One speaker's track, played: audio becomes chunks at the pace at which a live client would send them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from moderation.audio.utterance import Samples
from moderation.clock import Clock
from moderation.events import AudioChunk, AudioEncoding


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSource:
    """Who speaks where, and what the producer says about it. A stream id is never used twice."""

    tenant_id: str
    session_id: str
    stream_id: str
    speaker_id: str
    language_hint: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What was sent: chunks with audio, milliseconds of it, bytes of payload."""

    chunks: int
    audio_ms: int
    payload_bytes: int


class PayloadEncoder(Protocol):
    """Cuts mono audio, at the rate of its track, into payloads of equal length in time."""

    def encode(self, samples: Samples) -> list[bytes]:
        """The payloads that are complete with these samples."""
        ...

    def flush(self) -> list[bytes]:
        """The payloads of what is left."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackFormat:
    """How the chunks of a track are made. `sample_rate_hz` is what the payloads are encoded at, mono."""

    encoding: AudioEncoding
    sample_rate_hz: int
    chunk_ms: int


class Playback:
    """Plays one track once."""

    def __init__(
        self,
        source: StreamSource,
        track: TrackFormat,
        *,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]],
        speed: float = 1.0,
    ) -> None:
        """`speed` 1 is real time, 2 twice as fast; 0 sends as fast as the chunks are taken."""
        self._source = source
        self._track = track
        self._clock = clock
        self._sleep = sleep
        self._speed = speed

    async def run(
        self,
        blocks: Iterable[Samples],
        encoder: PayloadEncoder,
        send: Callable[[AudioChunk], Awaitable[None]],
    ) -> Played:
        """Send every chunk when its audio would have been captured, then the end of the stream.

        Each is sent once the one before was taken, so their order holds; when `send` was slow, the chunks that are
        overdue follow at once. Reading and encoding happen in a thread.
        """
        started_at, started_s = self._clock.now(), self._clock.monotonic_s()
        sequence = payload_bytes = 0
        payloads = _payloads(blocks, encoder)
        while (batch := await asyncio.to_thread(next, payloads, None)) is not None:
            for payload in batch:
                await self._until(started_s, sequence + 1)
                await send(self._chunk(sequence, started_at, payload))
                sequence += 1
                payload_bytes += len(payload)
        await send(self._chunk(sequence, started_at, b"", end_of_stream=True))
        return Played(chunks=sequence, audio_ms=sequence * self._track.chunk_ms, payload_bytes=payload_bytes)

    async def _until(self, started_s: float, chunks: int) -> None:
        if self._speed:
            due_s = started_s + self._elapsed_s(chunks)
            wait_s = due_s - self._clock.monotonic_s()
            if wait_s > 0:
                await self._sleep(wait_s)

    def _elapsed_s(self, chunks: int) -> float:
        """How long after the start that many chunks have been captured; unpaced, as if recorded in real time."""
        return chunks * self._track.chunk_ms / 1000 / (self._speed or 1.0)

    def _chunk(self, sequence: int, started_at: datetime, payload: bytes, *, end_of_stream: bool = False) -> AudioChunk:
        source, track = self._source, self._track
        return AudioChunk(
            tenant_id=source.tenant_id,
            session_id=source.session_id,
            stream_id=source.stream_id,
            speaker_id=source.speaker_id,
            sequence=sequence,
            captured_at=started_at + timedelta(seconds=self._elapsed_s(sequence)),
            encoding=track.encoding,
            sample_rate_hz=track.sample_rate_hz,
            channels=1,
            payload=payload,
            end_of_stream=end_of_stream,
            language_hint=source.language_hint,
            attributes=source.attributes,
        )


def _payloads(blocks: Iterable[Samples], encoder: PayloadEncoder) -> Iterator[list[bytes]]:
    for block in blocks:
        yield encoder.encode(block)
    yield encoder.flush()
