"""The values that flow through the system: frozen, slotted, keyword-only.

Times: `*_ms` of a word, detection or utterance count milliseconds of audio since the first chunk of the stream (for a
file: since its start). Instants end in `_at` and are aware UTC. Bytes and schemas are the business of `contracts/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

UNKNOWN_LANGUAGE = "und"
"""BCP-47's tag for "undetermined"."""


def primary_tag(language: str) -> str:
    """The primary language of a BCP-47 tag, in lower case: `en` of `en-GB`."""
    return language.split("-", 1)[0].lower()


class AudioEncoding(StrEnum):
    """How the payload of a chunk is encoded."""

    PCM_S16LE = "PCM_S16LE"
    PCM_F32LE = "PCM_F32LE"
    MULAW = "MULAW"
    ALAW = "ALAW"
    OPUS = "OPUS"
    """Raw Opus packets, each preceded by its length as an unsigned 16-bit big-endian integer."""
    OGG_OPUS = "OGG_OPUS"
    """Each chunk is a complete Ogg file."""
    FLAC = "FLAC"
    """Each chunk is a complete FLAC file."""


class Severity(StrEnum):
    """How bad it is. Members are listed from least to most severe; compare with `rank`."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for `none` up to 4 for `critical`."""
        return list(Severity).index(self)


class DetectionKind(StrEnum):
    """Which kind of detector found it."""

    TOXICITY = "toxicity"
    VOCABULARY = "vocabulary"
    PII = "pii"


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioChunk:
    """One message of audio: 20 ms to 1 s of one speaker's track."""

    tenant_id: str
    session_id: str
    stream_id: str
    speaker_id: str
    sequence: int
    captured_at: datetime
    encoding: AudioEncoding
    sample_rate_hz: int
    channels: int
    payload: bytes
    end_of_stream: bool = False
    language_hint: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One recognised word. `confidence` is in [0, 1]."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What a model or a list found in one utterance.

    `score` and `threshold` are in [0, 1]; lists and rules score 1.0 unless they say otherwise, and `threshold` is None
    where no threshold applies. `start_ms`/`end_ms` bound the words that were matched (None: the utterance as a whole,
    or no word times). `explanation` is for moderators and holds no masked text. `source` names the model or list with
    its version.
    """

    kind: DetectionKind
    category: str
    score: float
    threshold: float | None
    severity: Severity
    start_ms: int | None
    end_ms: int | None
    explanation: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageGuess:
    """A language with how sure we are of it. `language` is BCP-47, `und` when undetermined."""

    language: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamIdentity:
    """Who speaks where."""

    tenant_id: str
    session_id: str
    stream_id: str
    speaker_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRange:
    """The chunks an utterance was made of, and where they lie in the log. Offsets are None outside a broker."""

    first_sequence: int
    last_sequence: int
    topic: str | None = None
    partition: int | None = None
    first_offset: int | None = None
    last_offset: int | None = None
    payload_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingAudio:
    """Audio of an utterance that never came: `duration_ms` of it, at `at_ms` of the stream's timeline.

    Words may have been lost there.
    """

    at_ms: int
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """A published transcript, already masked.

    `is_final` is False for partials. `utterance_id` is the UUIDv5 of tenant, stream, first and last sequence.
    `missing` tells where audio of the utterance never came.
    """

    utterance_id: str
    identity: StreamIdentity
    started_at: datetime
    ended_at: datetime
    start_ms: int
    end_ms: int
    first_sequence: int
    last_sequence: int
    is_final: bool
    language: LanguageGuess
    text: str
    words: tuple[Word, ...]
    engine: str
    model: str
    missing: tuple[MissingAudio, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextUtterance:
    """An earlier utterance of the same session, masked, for the moderator."""

    stream_id: str
    speaker_id: str
    started_at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Where the audio behind a flag is. `sha256` is over the payload bytes of the chunks, in order."""

    topic: str
    partition: int
    first_offset: int
    last_offset: int
    sha256: str
    clip_uri: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModerationFlag:
    """A verdict at or above the flagging severity, as published: nothing a moderator needs is elsewhere.

    `flag_id` is the UUIDv5 of tenant, stream, capture instant and sequence of the first chunk, where in that chunk the
    utterance begins, in tenths of a second, and policy id: a replay gives the same id.
    A higher `revision` of the same flag_id supersedes a lower one. It is how much of the utterance had been heard, in
    milliseconds, and one more once the utterance has ended: it rises, with gaps, and a replay gives it again.
    `provisional` is True while the speaker goes on: a final revision follows. `speaker_strikes` is None where strikes
    are not counted. `missing` tells where audio of the utterance never came.
    """

    flag_id: str
    revision: int
    provisional: bool
    identity: StreamIdentity
    started_at: datetime
    ended_at: datetime
    start_ms: int
    end_ms: int
    first_sequence: int
    last_sequence: int
    text: str
    words: tuple[Word, ...]
    language: LanguageGuess
    detections: tuple[Detection, ...]
    scores: Mapping[str, float]
    severity: Severity
    action: str
    policy_id: str
    policy_version: str
    models: Mapping[str, str]
    context: tuple[ContextUtterance, ...]
    evidence: Evidence
    speaker_strikes: int | None
    timings_ms: Mapping[str, float]
    flagged_at: datetime
    automated_detection: bool = True
    missing: tuple[MissingAudio, ...] = ()

    @property
    def is_withdrawn(self) -> bool:
        """Whether this takes a provisional flag back: the whole utterance is not worth a flag."""
        return not self.provisional and self.severity is Severity.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumePoint:
    """Where the intake of a stream goes on after an utterance as if it had never stopped.

    `sequence` is the first chunk that is needed, `skip_samples` how many samples at 16 kHz at its beginning belong to
    what is finished, `position` where the chunk starts on the stream's timeline, in samples at 16 kHz, and
    `captured_at` its instant (of a chunk yet to come: when it is expected). `utterances` is how many came before.
    """

    sequence: int
    skip_samples: int
    position: int
    captured_at: datetime
    utterances: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageEvidence:
    """What a stream's utterances said about its language: the log-probabilities of so many observations, summed."""

    observations: int
    log_probabilities: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeMark:
    """How far a stream was finished: published, and confirmed by the broker.

    `point` is where intake goes on. `origin_offset` is the offset of the stream's first chunk: what lies before it
    under the same id is of an earlier stream. `last_sequence`, `last_offset` and `last_captured_at` are of the last
    chunk that was finished. `heard` and `read` are what is known of its language; None: nothing, or a hint settles it.
    `provisional_flag_id` is the flag that was told of the utterance behind `point`, which awaits its final revision.
    """

    tenant_id: str
    stream_id: str
    point: ResumePoint
    origin_offset: int
    last_sequence: int
    last_offset: int
    last_captured_at: datetime
    is_ended: bool
    heard: LanguageEvidence | None
    read: LanguageEvidence | None
    marked_at: datetime
    provisional_flag_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that could not be processed, whole, with the reason as a stable code and a sentence."""

    code: str
    reason: str
    topic: str
    partition: int
    offset: int
    timestamp: datetime | None
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    application_version: str
    failed_at: datetime
