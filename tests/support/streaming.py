"""A worker's surroundings, in memory: intake, pipeline and outbox that do as they are told and remember it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from moderation.audio.utterance import IntakeEvent, IntakeResult, Utterance
from moderation.clock import SystemClock
from moderation.errors import DeadLetterCode, InvalidMessage
from moderation.events import AudioChunk, AudioEncoding, LanguageGuess, Severity
from moderation.judging import HeardText, Judgement
from moderation.masking import Masked
from moderation.pipeline import PartialOutcome, UtteranceOutcome
from moderation.policy.verdict import Action, Verdict
from moderation.streaming.acker import OrderedAcker
from moderation.streaming.received import RawMessage, ReceivedChunk
from moderation.streaming.sequence import ArrivalOutcome
from moderation.streaming.session import SessionParts, StreamSession

START = datetime(2026, 1, 1, tzinfo=UTC)
SILENCE = b"silence"
SPEECH = b"speech"
END = b"end of speech"
POISON = b"poison"
BROKEN = b"breaks the pipeline"


def audio_chunk(sequence: int, payload: bytes = SILENCE, **changes: object) -> AudioChunk:
    values = {
        "tenant_id": "t",
        "session_id": "s",
        "stream_id": "m",
        "speaker_id": "p",
        "sequence": sequence,
        "captured_at": START + timedelta(milliseconds=200 * sequence),
        "encoding": AudioEncoding.PCM_S16LE,
        "sample_rate_hz": 16_000,
        "channels": 1,
        "payload": payload,
    }
    return AudioChunk(**(values | changes))


def received(chunk: AudioChunk, offset: int | None = None) -> ReceivedChunk:
    message = RawMessage(
        topic="voice-audio",
        partition=0,
        offset=chunk.sequence if offset is None else offset,
        timestamp=START,
        key=chunk.stream_id.encode(),
        value=chunk.payload,
        headers=(),
    )
    return ReceivedChunk(chunk=chunk, message=message, received_s=0.0)


class ScriptedIntake:
    """Speech is open from a SPEECH chunk until an END chunk; POISON is refused."""

    def __init__(self) -> None:
        self._open_since: int | None = None
        self._last = -1

    def accept(self, chunk: AudioChunk) -> IntakeResult:
        if chunk.payload == POISON:
            raise InvalidMessage(DeadLetterCode.UNDECODABLE_AUDIO, "poison")
        self._last = chunk.sequence
        if chunk.payload in {SPEECH, BROKEN} and self._open_since is None:
            self._open_since = chunk.sequence
        if chunk.payload in {END, BROKEN}:
            return self._close(marker=chunk.payload)
        return IntakeResult(events=(), needed_from_sequence=self._open_since)

    def finish(self) -> IntakeResult:
        return IntakeResult(events=(), needed_from_sequence=None) if self._open_since is None else self._close(END)

    def _close(self, marker: bytes) -> IntakeResult:
        first = self._open_since
        assert first is not None
        self._open_since = None
        utterance = Utterance(
            number=-1 if marker == BROKEN else 0,
            first_sequence=first,
            last_sequence=self._last,
            start_ms=0,
            end_ms=1,
            speech_end_ms=1,
            decided_ms=1,
            started_at=START,
            ended_at=START,
            samples=np.zeros(1, np.float32),
        )
        return IntakeResult(events=(utterance,), needed_from_sequence=None)


class ScriptedPipeline:
    """Judges every utterance harmless; one made of BROKEN chunks raises."""

    def wants(self, event: IntakeEvent) -> bool:
        return True

    def handle(self, event: Utterance) -> UtteranceOutcome:
        if event.number < 0:
            raise RuntimeError("this text must not be seen by anyone")
        heard = HeardText(text="hello", language=LanguageGuess(language="en", confidence=1.0))
        verdict = Verdict(
            severity=Severity.NONE,
            action=Action.NONE,
            flagged=False,
            policy_id="p",
            policy_version="1",
            detections=(),
        )
        judgement = Judgement(
            heard=heard, masked=Masked(text="hello", words=()), scores={}, verdict=verdict, timings_ms={}
        )
        return UtteranceOutcome(utterance=event, judgement=judgement, engine="e", models={"asr": "e"}, timings_ms={})

    def close(self) -> None:
        pass


@dataclass
class RecordingOutbox:
    """Remembers what was published; `gate` holds confirmations back, `failure` refuses them."""

    utterances: list[list[int]] = field(default_factory=list)
    letters: list[tuple[int, DeadLetterCode, str]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    failure: Exception | None = None

    async def _confirm(self) -> None:
        await self.gate.wait()
        if self.failure:
            raise self.failure

    async def utterance(self, outcome: UtteranceOutcome, chunks: list[ReceivedChunk], *, waited_ms: float) -> None:
        await self._confirm()
        self.utterances.append([item.chunk.sequence for item in chunks])

    async def partial(self, outcome: PartialOutcome, chunks: list[ReceivedChunk]) -> None:
        await self._confirm()

    async def dead_letter(self, item: ReceivedChunk, code: DeadLetterCode, reason: str) -> None:
        await self._confirm()
        self.letters.append((item.chunk.sequence, code, reason))

    async def reject(self, message: RawMessage, invalid: InvalidMessage) -> None:
        await self._confirm()
        self.letters.append((message.offset, invalid.code, invalid.sentence))


@dataclass
class Bench:
    """One session under test, with everything around it."""

    outbox: RecordingOutbox
    parts: SessionParts
    arrivals: list[ArrivalOutcome]
    finished: list[int]
    acked: list[int] = field(default_factory=list)
    acker: OrderedAcker = field(default_factory=OrderedAcker)

    def session(self) -> StreamSession:
        return StreamSession(self.parts, received(audio_chunk(0)), resume_after=None)

    def offer(self, session: StreamSession, chunk: AudioChunk) -> None:
        offset = self.acker._last_offset + 1
        session.offer(received(chunk, offset), self.acker.track(offset, lambda: self.acked.append(chunk.sequence)))


def make_bench(pool: ThreadPoolExecutor) -> Bench:
    outbox = RecordingOutbox()
    outbox.gate.set()
    arrivals: list[ArrivalOutcome] = []
    finished: list[int] = []
    parts = SessionParts(
        outbox=outbox,
        clock=SystemClock(),
        intake_pool=pool,
        recognition_pool=pool,
        idle_utterance_s=30.0,
        idle_stream_s=30.0,
        new_intake=ScriptedIntake,
        open_pipeline=lambda first: ScriptedPipeline(),
        on_arrival=arrivals.append,
        on_taken=lambda: None,
        on_finished=lambda item: finished.append(item.chunk.sequence),
    )
    return Bench(outbox=outbox, parts=parts, arrivals=arrivals, finished=finished)


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until something holds; fails after five seconds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  the condition has no event of its own
            await asyncio.sleep(0.001)
