"""One run: streams produced in real time, flags and dead letters read back from their topics."""

import asyncio
import random
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from loadtest.clips import PACKET_MS
from loadtest.conversation import Track, make_track
from loadtest.report import Heard, PlannedTurn, Report, SeenFlag, summarise, unflagged, untranscribed
from loadtest.sounds import Sounds, load_sounds
from moderation.contracts.cloudevents import cloud_event_headers
from moderation.contracts.codecs import Codecs
from moderation.events import AudioChunk, AudioEncoding

TAIL_S = 12.0
"""How long results are awaited after the last chunk."""
_TOPICS = ("audio_topic", "transcripts_topic", "flags_topic", "dead_letters_topic")
_UNCONFIRMED = 50
"""Messages of a stream whose confirmation is not awaited at once."""
_POLL_S = 0.5

MakeTrack = Callable[[Sounds, random.Random], Track]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is run, and against which broker."""

    bootstrap: str
    streams: int
    seconds: float
    talk_ratio: float
    seed: int
    chunk_ms: int = 200
    encoding: AudioEncoding = AudioEncoding.OPUS
    """One of `sounds.RATES_HZ`."""
    streams_per_session: int = 5
    audio_topic: str = "voice-audio"
    transcripts_topic: str = "voice-transcripts"
    flags_topic: str = "moderation-flags"
    dead_letters_topic: str = "moderation-dead-letters"
    tail_s: float = TAIL_S
    """How long results are awaited after the last chunk even if none is missing: what comes twice comes late, s."""
    patience_s: float = TAIL_S
    """How long results that are still missing are awaited after the last chunk, s."""

    @classmethod
    def for_topics(cls, names: Mapping[str, str], **fields: Any) -> Self:
        """A plan for topics of a run's own, as `processes.own_names` names them; `fields` are the other fields."""
        return cls(**{field: names[f"STREAMING__{field.upper()}"] for field in _TOPICS}, **fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was said in a run, and everything that came back."""

    planned: list[PlannedTurn]
    flags: list[SeenFlag]
    """Final ones; what was taken back is none."""
    transcripts: list[Heard]
    dead_letters: int
    figures: dict[str, Any]
    """The fields of `Report` that are not concluded from the others."""
    early: list[SeenFlag] = field(default_factory=list)
    """Provisional flags."""

    def report(self) -> Report:
        """The figures."""
        return summarise(self.planned, self.flags, self.figures)

    def is_complete(self) -> bool:
        """Whether every turn was transcribed and every planted flag seen."""
        return not untranscribed(self.planned, self.transcripts) and not unflagged(self.planned, self.flags)


class Run:
    """Plays a plan once."""

    def __init__(
        self,
        plan: Plan,
        codecs: Codecs,
        *,
        on_progress: Callable[[str], None],
        run_id: str | None = None,
        make_track: MakeTrack | None = None,
    ) -> None:
        """Stream ids begin with `run_id`, which must be new. `make_track` says what each stream says; conversations of
        the plan's talk ratio when it is not given."""
        self._plan = plan
        self._make_track = make_track or self._conversation
        self._codecs = codecs
        self._on_progress = on_progress
        self._run_id = run_id or uuid4().hex[:8]
        self._seen: list[SeenFlag] = []
        self._early: list[SeenFlag] = []
        self._heard: list[Heard] = []
        self._dead_letters = 0
        self._late_ms = 0.0
        self.sent = 0
        """Chunks handed to the producer so far."""
        self.is_produced = False
        """Whether all chunks were sent."""

    async def play(self) -> Report:
        """Produce, read back, and report."""
        return (await self.observe()).report()

    async def observe(self) -> Observed:
        """Produce and read back."""
        rng = random.Random(self._plan.seed)
        sounds = load_sounds([self._plan.encoding])[self._plan.encoding]
        tracks = [self._make_track(sounds, rng) for _ in range(self._plan.streams)]
        readers = [
            asyncio.create_task(self._read(self._plan.flags_topic, self._on_flag)),
            asyncio.create_task(self._read(self._plan.transcripts_topic, self._on_transcript)),
            asyncio.create_task(self._read(self._plan.dead_letters_topic, self._on_dead_letter)),
        ]
        try:
            planned = await self._produce(sounds, tracks)
            self.is_produced = True
            await self._await_results(planned)
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
        return self._observed(planned)

    def _conversation(self, sounds: Sounds, rng: random.Random) -> Track:
        duration_ms, talk_ratio = round(self._plan.seconds * 1000), self._plan.talk_ratio
        return make_track(sounds.clips, sounds.silence, duration_ms=duration_ms, talk_ratio=talk_ratio, rng=rng)

    def _observed(self, planned: list[PlannedTurn]) -> Observed:
        return Observed(
            planned=planned,
            flags=self._seen,
            early=self._early,
            transcripts=self._heard,
            dead_letters=self._dead_letters,
            figures={
                "streams": self._plan.streams,
                "seconds": self._plan.seconds,
                "chunks_sent": self.sent,
                "producer_late_ms_max": round(self._late_ms, 1),
                "dead_letters": self._dead_letters,
            },
        )

    async def _await_results(self, planned: list[PlannedTurn]) -> None:
        deadline = time.monotonic() + self._plan.patience_s
        await asyncio.sleep(self._plan.tail_s)
        while time.monotonic() < deadline and not self._observed(planned).is_complete():  # noqa: ASYNC110  a deadline
            await asyncio.sleep(_POLL_S)

    async def _produce(self, sounds: Sounds, tracks: list[Track]) -> list[PlannedTurn]:
        async with AIOKafkaProducer(bootstrap_servers=self._plan.bootstrap, acks="all", linger_ms=5) as producer:
            # Streams start spread over one chunk, as clients that know nothing of each other do.
            spread_s = self._plan.chunk_ms / 1000 / len(tracks)
            begin = time.monotonic() + 1.0
            began_at = datetime.now(UTC) + timedelta(seconds=1.0)
            offsets = [number * spread_s for number in range(len(tracks))]
            ticker = asyncio.create_task(self._tell(begin))
            try:
                async with asyncio.TaskGroup() as group:
                    for number, track in enumerate(tracks):
                        start = (begin + offsets[number], began_at + timedelta(seconds=offsets[number]))
                        group.create_task(self._stream(producer, sounds, number, track, *start))
            finally:
                ticker.cancel()
        return [
            PlannedTurn(
                stream_id=self._stream_id(number),
                turn=turn,
                started_at=began_at + timedelta(seconds=offsets[number], milliseconds=turn.start_ms),
                ended_at=began_at + timedelta(seconds=offsets[number], milliseconds=turn.end_ms),
            )
            for number, track in enumerate(tracks)
            for turn in track.turns
        ]

    async def _stream(  # noqa: PLR0917  what one stream is made of
        self,
        producer: AIOKafkaProducer,
        sounds: Sounds,
        number: int,
        track: Track,
        begin: float,
        began_at: datetime,
    ) -> None:
        """A chunk is sent when its last sample was spoken."""
        per_chunk = self._plan.chunk_ms // PACKET_MS
        confirmations: deque[asyncio.Future[Any]] = deque()
        for sequence, first in enumerate(range(0, len(track.packets), per_chunk)):
            packets = track.packets[first : first + per_chunk]
            due = begin + (first + len(packets)) * PACKET_MS / 1000
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._late_ms = max(self._late_ms, (time.monotonic() - due) * 1000)
            chunk = AudioChunk(
                tenant_id="loadtest",
                session_id=f"{self._run_id}-{number // self._plan.streams_per_session}",
                stream_id=self._stream_id(number),
                speaker_id=f"speaker-{number}",
                sequence=sequence,
                captured_at=began_at + timedelta(milliseconds=first * PACKET_MS),
                encoding=sounds.encoding,
                sample_rate_hz=sounds.sample_rate_hz,
                channels=1,
                payload=sounds.payload(packets),
                end_of_stream=first + per_chunk >= len(track.packets),
                language_hint="en",
            )
            confirmations.append(
                await producer.send(
                    self._plan.audio_topic,
                    key=chunk.stream_id.encode(),
                    value=self._codecs.audio_chunks.encode(chunk),
                    headers=list(cloud_event_headers(chunk, source="/voice-moderation/loadtest").items()),
                )
            )
            self.sent += 1
            if len(confirmations) >= _UNCONFIRMED:
                await confirmations.popleft()
        await asyncio.gather(*confirmations)

    async def _read(self, topic: str, handle: Callable[[bytes, datetime], None]) -> None:
        async with AIOKafkaConsumer(
            bootstrap_servers=self._plan.bootstrap, enable_auto_commit=False, fetch_max_wait_ms=100
        ) as consumer:
            await consumer.topics()  # fetches the metadata that partitions_for_topic answers from
            partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            consumer.assign(partitions)
            await consumer.seek_to_end(*partitions)
            async for message in consumer:
                handle(message.value, datetime.fromtimestamp(message.timestamp / 1000, tz=UTC))

    def _on_flag(self, value: bytes, published_at: datetime) -> None:
        flag = self._codecs.flags.decode(value)
        if flag.identity.stream_id.startswith(self._run_id) and not flag.is_withdrawn:
            seen = self._early if flag.provisional else self._seen
            seen.append(SeenFlag(flag=flag, published_at=published_at))

    def _on_transcript(self, value: bytes, _published_at: datetime) -> None:
        said = self._codecs.transcripts.decode(value)
        if said.is_final and said.identity.stream_id.startswith(self._run_id):
            self._heard.append(Heard(said.identity.stream_id, said.utterance_id, said.started_at, said.ended_at))

    def _on_dead_letter(self, _value: bytes, _published_at: datetime) -> None:
        self._dead_letters += 1

    def _stream_id(self, number: int) -> str:
        return f"{self._run_id}-{number}"

    async def _tell(self, begin: float) -> None:
        while True:
            await asyncio.sleep(5)
            elapsed = time.monotonic() - begin
            latencies = sorted(item.latency_ms for item in self._seen)
            median = f", median {latencies[len(latencies) // 2]:.0f} ms" if latencies else ""
            self._on_progress(f"{elapsed:.0f} of {self._plan.seconds:.0f} s: {len(self._seen)} flags{median}")


def to_stderr(line: str) -> None:
    """Progress for people."""
    print(line, file=sys.stderr, flush=True)
