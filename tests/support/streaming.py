"""A worker's surroundings, in memory: intake, pipeline and outbox that do as they are told and remember it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from support.utterances import START, an_utterance

from moderation.audio.utterance import IntakeEvent, IntakeResult, Utterance, UtteranceAudio, UtteranceOpened
from moderation.clock import SystemClock
from moderation.errors import DeadLetterCode, InvalidMessage
from moderation.events import (
    AudioChunk,
    AudioEncoding,
    Detection,
    DetectionKind,
    LanguageGuess,
    ResumeMark,
    ResumePoint,
    Severity,
)
from moderation.judging import HeardText, Judgement
from moderation.language.stream import LanguageMemory
from moderation.masking import Masked
from moderation.partials import PartialOutcome
from moderation.pipeline import UtteranceOutcome
from moderation.policy.verdict import Action, Verdict
from moderation.streaming.acker import OrderedAcker
from moderation.streaming.early import EarlyDesk
from moderation.streaming.interims import InterimDesk
from moderation.streaming.ordering import Arrival
from moderation.streaming.received import RawMessage, ReceivedChunk
from moderation.streaming.session import StreamSession
from moderation.streaming.session_parts import PartialsUse, SessionLimits, SessionParts

SILENCE = b"silence"
SPEECH = b"speech"
END = b"end of speech"
POISON = b"poison"
BROKEN = b"breaks the pipeline"
SLUR = b"speech that is flagged while it goes on"
FLAGGED_END = b"end of speech that is flagged"

CHUNK_SAMPLES = 3_200


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


def received(
    chunk: AudioChunk, offset: int | None = None, *, stamp: datetime = START, received_s: float = 0.0
) -> ReceivedChunk:
    message = RawMessage(
        topic="voice-audio",
        partition=0,
        offset=chunk.sequence if offset is None else offset,
        timestamp=stamp,
        key=chunk.stream_id.encode(),
        value=chunk.payload,
        headers=(),
    )
    return ReceivedChunk(chunk=chunk, message=message, received_s=received_s)


def a_mark(*, next_sequence: int, last_sequence: int, last_offset: int, **changes: object) -> ResumeMark:
    """A mark of the stream that `audio_chunk` makes chunks of."""
    point = ResumePoint(
        sequence=next_sequence,
        skip_samples=0,
        position=3_200 * next_sequence,
        captured_at=START + timedelta(milliseconds=200 * next_sequence),
        utterances=1,
    )
    values = {
        "tenant_id": "t",
        "stream_id": "m",
        "point": point,
        "origin_offset": 0,
        "last_sequence": last_sequence,
        "last_offset": last_offset,
        "last_captured_at": START + timedelta(milliseconds=200 * last_sequence),
        "is_ended": False,
        "heard": None,
        "read": None,
        "marked_at": START,
    }
    return ResumeMark(**(values | changes))


class ScriptedIntake:
    """Speech is open from a SPEECH or SLUR chunk until an END or FLAGGED_END chunk; POISON is refused.

    Its resume points are those of an intake that needs nothing of an utterance's last chunk.
    """

    def __init__(self, resume: ResumePoint | None = None) -> None:
        self.resume = resume
        self._open_since: int | None = None
        self._last = -1
        self._utterances = resume.utterances if resume else 0
        self._has_begun = resume is not None

    @property
    def hears_speech(self) -> bool:
        return self._open_since is not None

    @property
    def resume_point(self) -> ResumePoint:
        return ResumePoint(
            sequence=self._last + 1,
            skip_samples=0,
            position=3_200 * (self._last + 1),
            captured_at=START,
            utterances=self._utterances,
        )

    def accept(self, chunk: AudioChunk) -> IntakeResult:
        if chunk.payload == POISON:
            raise InvalidMessage(DeadLetterCode.UNDECODABLE_AUDIO, "poison")
        self._last = chunk.sequence - 1
        origin, self._has_begun = (None if self._has_begun else self.resume_point), True
        return replace(self._accept(chunk), origin=origin)

    def _accept(self, chunk: AudioChunk) -> IntakeResult:
        self._last = chunk.sequence
        events: list[IntakeEvent] = []
        if chunk.payload in {SPEECH, SLUR, BROKEN} and self._open_since is None:
            self._open_since = chunk.sequence
            events.append(UtteranceOpened(number=0, first_sequence=chunk.sequence, start_ms=0, started_at=START))
        if self._open_since is not None:
            level = 1.0 if chunk.payload == SLUR else 0.0
            events.append(UtteranceAudio(number=0, samples=np.full(CHUNK_SAMPLES, level, np.float32)))
        if chunk.payload in {END, FLAGGED_END, BROKEN}:
            return self._close(chunk.payload, *events)
        return IntakeResult(events=tuple(events), needed_from_sequence=self._open_since)

    def finish(self) -> IntakeResult:
        return IntakeResult(events=(), needed_from_sequence=None) if self._open_since is None else self._close(END)

    def _close(self, marker: bytes, *events: IntakeEvent) -> IntakeResult:
        first = self._open_since
        assert first is not None
        self._open_since = None
        self._utterances += 1
        utterance = an_utterance(
            np.full(1, marker == FLAGGED_END, np.float32),
            number=-1 if marker == BROKEN else 0,
            first_sequence=first,
            last_sequence=self._last,
            resume=self.resume_point,
        )
        return IntakeResult(events=(*events, utterance), needed_from_sequence=None)


def a_detection(category: str = "insult", severity: Severity = Severity.MEDIUM, **changes: object) -> Detection:
    values = {
        "kind": DetectionKind.TOXICITY,
        "category": category,
        "score": 0.9,
        "threshold": 0.5,
        "severity": severity,
        "start_ms": None,
        "end_ms": None,
        "explanation": "",
        "source": "",
    }
    return Detection(**(values | changes))


def a_verdict(*detections: Detection) -> Verdict:
    """Flagged when anything was found."""
    severity = max((one.severity for one in detections), key=lambda one: one.rank, default=Severity.NONE)
    return Verdict(
        severity=severity,
        action=Action.REVIEW if detections else Action.NONE,
        flagged=bool(detections),
        policy_id="p",
        policy_version="1",
        detections=detections,
    )


def a_judgement(*detections: Detection) -> Judgement:
    heard = HeardText(text="hello", language=LanguageGuess(language="en", confidence=1.0))
    masked = Masked(text="hello", words=())
    return Judgement(heard=heard, masked=masked, scores={}, verdict=a_verdict(*detections), timings_ms={})


def a_partial(opened: UtteranceOpened, *detections: Detection, heard_ms: int = 200) -> PartialOutcome:
    return PartialOutcome(
        opened=opened,
        heard_ms=heard_ms,
        judgement=a_judgement(*detections),
        engine="e",
        models={"asr": "e"},
        timings_ms={},
    )


class ScriptedPipeline:
    """Judges SLUR chunks, and utterances that end with FLAGGED_END, an insult; one made of BROKEN chunks raises."""

    memory = LanguageMemory(heard=None, read=None)
    is_interim_due = False

    def __init__(self) -> None:
        self._opened: UtteranceOpened | None = None
        self._heard = 0

    def wants(self, event: IntakeEvent) -> bool:
        return isinstance(event, Utterance) or (isinstance(event, UtteranceAudio) and bool(event.samples[0]))

    def follow(self, event: IntakeEvent) -> None:
        match event:
            case UtteranceOpened():
                self._opened, self._heard = event, 0
            case UtteranceAudio(samples=samples):
                self._heard += len(samples)
            case Utterance():
                self._opened = None

    def interim(self) -> None:
        return None

    def handle(self, event: IntakeEvent) -> UtteranceOutcome | PartialOutcome:
        if isinstance(event, UtteranceAudio):
            assert self._opened is not None
            return a_partial(self._opened, a_detection(), heard_ms=self._heard // 16)
        assert isinstance(event, Utterance)
        if event.number < 0:
            raise RuntimeError("this text must not be seen by anyone")
        judgement = a_judgement(a_detection()) if event.samples[0] else a_judgement()
        return UtteranceOutcome(utterance=event, judgement=judgement, engine="e", models={"asr": "e"}, timings_ms={})

    def close(self) -> None:
        pass


@dataclass
class RecordingOutbox:
    """Remembers what was published; `gate` holds confirmations back, `failure` refuses them."""

    utterances: list[list[int]] = field(default_factory=list)
    provisional: list[tuple[list[int], list[str], bool]] = field(default_factory=list)
    """Sequences, categories, and whether it is final, of flags of utterances that went on."""
    settled: list[str | None] = field(default_factory=list)
    """The provisional flag of each utterance."""
    partials: list[list[int]] = field(default_factory=list)
    letters: list[tuple[int, DeadLetterCode, str]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    failure: Exception | None = None

    async def _confirm(self) -> None:
        await self.gate.wait()
        if self.failure:
            raise self.failure

    async def utterance(
        self,
        outcome: UtteranceOutcome,
        chunks: list[ReceivedChunk],
        *,
        waited_ms: float,
        provisional_flag_id: str | None,
    ) -> None:
        await self._confirm()
        self.utterances.append([item.chunk.sequence for item in chunks])
        self.settled.append(provisional_flag_id)

    async def provisional_flag(
        self, outcome: PartialOutcome, chunks: list[ReceivedChunk], *, is_final: bool = False
    ) -> None:
        await self._confirm()
        categories = [one.category for one in outcome.judgement.verdict.detections]
        self.provisional.append(([item.chunk.sequence for item in chunks], categories, is_final))

    async def partial(self, outcome: PartialOutcome, chunks: list[ReceivedChunk]) -> None:
        await self._confirm()
        self.partials.append([item.chunk.sequence for item in chunks])

    async def dead_letter(self, item: ReceivedChunk, code: DeadLetterCode, reason: str) -> None:
        await self._confirm()
        self.letters.append((item.chunk.sequence, code, reason))

    async def reject(self, message: RawMessage, invalid: InvalidMessage) -> None:
        await self._confirm()
        self.letters.append((message.offset, invalid.code, invalid.sentence))


@dataclass
class Told:
    """An observer and an oracle of silence, as told; it keeps what it hears."""

    arrivals: list[tuple[Arrival, int]] = field(default_factory=list)
    pauses: list[str] = field(default_factory=list)
    closed_early: int = 0
    clock_jumps: int = 0
    evicted: int = 0
    redeliveries: int = 0
    interims: list[bool] = field(default_factory=list)
    in_vain: list[bool] = field(default_factory=list)
    is_silent: bool = True

    def has_lasted(self, since: ReceivedChunk, *, wall_s: float) -> bool:
        return self.is_silent

    def chunk_arrived(self, arrival: Arrival, missing: int) -> None:
        self.arrivals.append((arrival, missing))

    def clock_jumped(self) -> None:
        self.clock_jumps += 1

    def utterance_closed_early(self) -> None:
        self.closed_early += 1

    def interim_heard(self, *, in_time: bool) -> None:
        self.interims.append(in_time)

    def recognised_early(self, *, in_vain: bool) -> None:
        self.in_vain.append(in_vain)

    def intake_paused(self, reason: str, seconds: float) -> None:
        self.pauses.append(reason)

    def stream_evicted(self) -> None:
        self.evicted += 1

    def redelivered(self) -> None:
        self.redeliveries += 1


@dataclass
class Bench:
    """One session under test, with everything around it."""

    outbox: RecordingOutbox
    parts: SessionParts
    told: Told
    marks: list[ResumeMark] = field(default_factory=list)
    offered: dict[int, int] = field(default_factory=dict)
    acker: OrderedAcker = field(default_factory=lambda: OrderedAcker(on_progress=lambda: None))

    @property
    def acked(self) -> list[int]:
        """Sequences of the chunks that were acked, in the order of their offsets."""
        return [sequence for offset, sequence in self.offered.items() if offset <= self.acker.acked_through]

    def session(self, resume: ResumeMark | None = None) -> StreamSession:
        async def move_mark(mark: ResumeMark) -> None:
            await self.outbox._confirm()
            self.marks.append(mark)

        return StreamSession(self.parts, received(audio_chunk(0)), resume=resume, move_mark=move_mark)

    def offer(self, session: StreamSession, chunk: AudioChunk, *, stamp: datetime = START) -> None:
        offset = len(self.offered)
        self.offered[offset] = chunk.sequence
        session.offer(received(chunk, offset, stamp=stamp), self.acker.track(offset, 0.0))

    def limit(self, **limits: float) -> None:
        """Set limits of the sessions to come."""
        self.parts = replace(self.parts, limits=replace(self.parts.limits, **limits))


LIMITS = SessionLimits(idle_utterance_s=30.0, idle_stream_s=30.0, reorder_window=0)


def make_parts(pool: Executor, outbox: RecordingOutbox, told: Told) -> SessionParts:
    interims = InterimDesk(pool, SystemClock(), share=1.0, on_made=lambda seconds: None)
    return SessionParts(
        outbox=outbox,
        clock=SystemClock(),
        limits=LIMITS,
        silence=told,
        observer=told,
        intake_pool=pool,
        recognition_pool=pool,
        interims=interims,
        early=EarlyDesk(pool, SystemClock(), interims, share=1.0),
        partials=PartialsUse(published=False, flagged=True),
        new_intake=ScriptedIntake,
        open_pipeline=lambda first, mark: ScriptedPipeline(),
        on_taken=lambda: None,
    )


def make_bench(pool: Executor) -> Bench:
    outbox, told = RecordingOutbox(), Told()
    outbox.gate.set()
    return Bench(outbox=outbox, parts=make_parts(pool, outbox, told), told=told)


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until something holds; fails after five seconds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  the condition has no event of its own
            await asyncio.sleep(0.001)
