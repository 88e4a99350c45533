"""What is written is read again, and whatever is read never does harm."""

import string
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.contracts.as_json import to_json
from moderation.contracts.audio_chunk import MAX_SEQUENCE
from moderation.contracts.catalogue import load_schemas
from moderation.contracts.codecs import Codecs, load_codecs
from moderation.contracts.framing import single_object_header
from moderation.contracts.replay import DeadLetterReplay, ReplayState
from moderation.errors import InvalidMessage
from moderation.events import (
    AudioChunk,
    AudioEncoding,
    ContextUtterance,
    DeadLetter,
    Detection,
    DetectionKind,
    Evidence,
    LanguageEvidence,
    LanguageGuess,
    MissingAudio,
    ModerationFlag,
    ResumeMark,
    ResumePoint,
    Severity,
    StreamIdentity,
    Transcript,
    Word,
)
from moderation.settings import Settings

CODECS: Codecs = load_codecs(Settings())
HEADERS = {file.event: single_object_header(file.schema) for file in load_schemas()}

IDS = st.text(string.ascii_letters + string.digits + "-_/.é한", min_size=1, max_size=20)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
LONGS = st.integers(0, 2**63 - 1)
INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda instant: instant.replace(microsecond=instant.microsecond // 1000 * 1000)
)
SCORES = st.floats(0, 1)
TAGS = st.sampled_from(["en", "pt-BR", "und", "zh-Hant-TW"])


def _maps(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(TEXTS, values, max_size=4)


def _tuples(items: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(items, max_size=4).map(tuple)


CHUNKS = st.builds(
    AudioChunk,
    tenant_id=IDS,
    session_id=IDS,
    stream_id=IDS,
    speaker_id=IDS,
    sequence=st.integers(0, MAX_SEQUENCE),
    captured_at=INSTANTS,
    encoding=st.sampled_from(AudioEncoding),
    sample_rate_hz=st.integers(1, 768_000),
    channels=st.integers(1, 255),
    payload=st.binary(min_size=1, max_size=200),
    end_of_stream=st.booleans(),
    language_hint=st.none() | TAGS,
    attributes=_maps(TEXTS),
)
IDENTITIES = st.builds(StreamIdentity, tenant_id=IDS, session_id=IDS, stream_id=IDS, speaker_id=IDS)
WORDS = st.builds(Word, text=TEXTS, start_ms=LONGS, end_ms=LONGS, confidence=SCORES)
SPAN: dict[str, st.SearchStrategy[Any]] = {
    "identity": IDENTITIES,
    "started_at": INSTANTS,
    "ended_at": INSTANTS,
    "start_ms": LONGS,
    "end_ms": LONGS,
    "first_sequence": LONGS,
    "last_sequence": LONGS,
    "language": st.builds(LanguageGuess, language=TAGS, confidence=SCORES),
    "text": TEXTS,
    "words": _tuples(WORDS),
    "missing": _tuples(st.builds(MissingAudio, at_ms=LONGS, duration_ms=LONGS)),
}
TRANSCRIPTS = st.builds(Transcript, utterance_id=IDS, is_final=st.booleans(), engine=TEXTS, model=TEXTS, **SPAN)
FLAGS = st.builds(
    ModerationFlag,
    flag_id=IDS,
    revision=st.integers(0, 2**31 - 1),
    provisional=st.booleans(),
    detections=_tuples(
        st.builds(
            Detection,
            kind=st.sampled_from(DetectionKind),
            category=TEXTS,
            score=SCORES,
            threshold=st.none() | SCORES,
            severity=st.sampled_from(Severity),
            start_ms=st.none() | LONGS,
            end_ms=st.none() | LONGS,
            explanation=TEXTS,
            source=TEXTS,
        )
    ),
    scores=_maps(SCORES),
    severity=st.sampled_from(Severity),
    action=TEXTS,
    policy_id=TEXTS,
    policy_version=TEXTS,
    models=_maps(TEXTS),
    context=_tuples(st.builds(ContextUtterance, stream_id=IDS, speaker_id=IDS, started_at=INSTANTS, text=TEXTS)),
    evidence=st.builds(
        Evidence,
        topic=TEXTS,
        partition=st.integers(0, 2**31 - 1),
        first_offset=LONGS,
        last_offset=LONGS,
        sha256=TEXTS,
        clip_uri=st.none() | TEXTS,
    ),
    speaker_strikes=st.none() | st.integers(0, 2**31 - 1),
    timings_ms=_maps(st.floats(0, 1e9)),
    flagged_at=INSTANTS,
    automated_detection=st.booleans(),
    **SPAN,
)
LETTERS = st.builds(
    DeadLetter,
    code=TEXTS,
    reason=TEXTS,
    topic=TEXTS,
    partition=st.integers(0, 2**31 - 1),
    offset=LONGS,
    timestamp=st.none() | INSTANTS,
    key=st.none() | st.binary(max_size=50),
    value=st.none() | st.binary(max_size=500),
    headers=_tuples(st.tuples(TEXTS, st.none() | st.binary(max_size=50))),
    application_version=TEXTS,
    failed_at=INSTANTS,
)
LANGUAGES = st.builds(
    LanguageEvidence, observations=LONGS, log_probabilities=st.dictionaries(TAGS, st.floats(-1e3, 0), max_size=4)
)
MARKS = st.builds(
    ResumeMark,
    tenant_id=IDS,
    stream_id=IDS,
    point=st.builds(
        ResumePoint, sequence=LONGS, skip_samples=LONGS, position=LONGS, captured_at=INSTANTS, utterances=LONGS
    ),
    origin_offset=LONGS,
    last_sequence=LONGS,
    last_offset=LONGS,
    last_captured_at=INSTANTS,
    is_ended=st.booleans(),
    heard=st.none() | LANGUAGES,
    read=st.none() | LANGUAGES,
    marked_at=INSTANTS,
)
REPLAYS = st.builds(
    DeadLetterReplay,
    dead_letter_id=IDS,
    state=st.sampled_from(ReplayState),
    run_id=IDS,
    topic=TEXTS,
    partition=st.integers(0, 2**31 - 1),
    offset=LONGS,
    stated_at=INSTANTS,
)
EVENTS = CHUNKS | TRANSCRIPTS | FLAGS | LETTERS | MARKS | REPLAYS


def _codec(event: object) -> Any:
    match event:
        case AudioChunk():
            return CODECS.audio_chunks
        case Transcript():
            return CODECS.transcripts
        case ModerationFlag():
            return CODECS.flags
        case ResumeMark():
            return CODECS.resume_marks
        case DeadLetterReplay():
            return CODECS.replays
    return CODECS.dead_letters


def _decode_all(value: bytes) -> None:
    for codec in (getattr(CODECS, field.name) for field in fields(CODECS)):
        try:
            codec.decode(value)
        except InvalidMessage as refused:
            assert refused.sentence  # noqa: PT017  either outcome is right


@given(EVENTS)
@settings(max_examples=150, deadline=None)
def test_an_event_is_read_as_it_was_written(event: Any) -> None:
    codec = _codec(event)
    assert codec.decode(codec.encode(event)) == event


@given(EVENTS)
@settings(max_examples=50, deadline=None)
def test_the_same_event_is_the_same_bytes_and_the_same_json(event: Any) -> None:
    codec = _codec(event)
    again = codec.decode(codec.encode(event))
    assert codec.encode(again) == codec.encode(event)
    assert to_json(again) == to_json(event)


@given(st.sampled_from(sorted(HEADERS)), st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_an_event_or_an_invalid_message(event: str, body: bytes) -> None:
    _decode_all(HEADERS[event] + body)


@given(EVENTS, st.data())
@settings(max_examples=300, deadline=None)
def test_an_event_with_one_byte_changed_is_an_event_or_an_invalid_message(event: Any, data: st.DataObject) -> None:
    value = bytearray(_codec(event).encode(event))
    at = data.draw(st.integers(0, len(value) - 1))
    value[at] = data.draw(st.integers(0, 255))
    _decode_all(bytes(value))


@given(EVENTS, st.data())
@settings(max_examples=100, deadline=None)
def test_an_event_that_was_cut_short_is_never_taken_for_one(event: Any, data: st.DataObject) -> None:
    value = _codec(event).encode(event)
    cut = value[: data.draw(st.integers(0, len(value) - 1))]
    try:
        _codec(event).decode(cut)
    except InvalidMessage:
        return
    raise AssertionError("a message that was cut short was accepted")


@given(EVENTS, st.binary(min_size=1, max_size=5))
@settings(max_examples=50, deadline=None)
def test_bytes_after_the_end_of_an_event_are_refused(event: Any, extra: bytes) -> None:
    try:
        _codec(event).decode(_codec(event).encode(event) + extra)
    except InvalidMessage:
        return
    raise AssertionError("bytes after the end were accepted")
