"""Real speech through a real broker and a real worker: what comes out is what a moderator needs, and nothing else."""

import asyncio
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from moderation.audio.files import read_audio_file
from moderation.client.connection import kafka_arguments
from moderation.client.producer import AudioProducer, StreamSource
from moderation.client.reader import EventReader, Received
from moderation.events import (
    AudioEncoding,
    DeadLetter,
    DetectionKind,
    ModerationFlag,
    Severity,
    Transcript,
)
from moderation.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

T = TypeVar("T")
CLIPS = files("moderation") / "demo" / "clips"
DEADLINE_S = 60.0


def clip(name: str) -> Path:
    return Path(str(CLIPS / f"{name}.ogg"))


async def play(
    settings: Settings, name: str, encoding: AudioEncoding = AudioEncoding.OPUS, *, hint: str | None = "en"
) -> str:
    """Send a clip as a stream of its own, as fast as the broker takes it; returns the stream id."""
    stream_id = f"{name}-{uuid4().hex[:6]}"
    source = StreamSource(
        tenant_id="acme", session_id="match-1", stream_id=stream_id, speaker_id=f"{name}-speaker", language_hint=hint
    )
    async with AudioProducer(settings) as producer:
        await producer.play(source, read_audio_file(clip(name)), encoding=encoding, speed=0)
    return stream_id


async def first(events: EventReader[T], wanted: Callable[[Received[T]], bool]) -> Received[T]:
    """The first event that is wanted, from the beginning of its topic."""
    async with asyncio.timeout(DEADLINE_S), events as reader:
        async for item in reader.received():
            if isinstance(item, Received) and wanted(item):
                return item
    raise AssertionError("the topic ended")


async def flag_of(settings: Settings, stream_id: str) -> Received[ModerationFlag]:
    reader = EventReader.flags(settings, follow=True, beginning=True)
    return await first(reader, lambda item: item.event.identity.stream_id == stream_id)


async def transcript_of(settings: Settings, stream_id: str) -> Received[Transcript]:
    reader = EventReader.transcripts(settings, follow=True, beginning=True)
    return await first(reader, lambda item: item.event.identity.stream_id == stream_id)


@pytest.fixture(autouse=True)
def _worker(worker_log: Path) -> None:
    """Every test here needs the worker."""


@pytest.mark.parametrize("encoding", list(AudioEncoding))
async def test_an_insult_is_flagged_whatever_its_encoding(settings: Settings, encoding: AudioEncoding) -> None:
    flag = (await flag_of(settings, await play(settings, "insult-idiot", encoding))).event
    assert flag.severity.rank >= Severity.LOW.rank
    assert {d.category for d in flag.detections} & {"insult", "toxicity"}
    assert flag.identity.session_id == "match-1"
    assert flag.automated_detection


async def test_a_flag_says_where_its_audio_is_and_what_judged_it(settings: Settings) -> None:
    received = await flag_of(settings, await play(settings, "threat-find"))
    flag = received.event
    assert flag.evidence.topic == settings.streaming.audio_topic
    assert 0 <= flag.evidence.first_offset <= flag.evidence.last_offset
    assert len(flag.evidence.sha256) == 64
    assert flag.policy_id
    assert set(flag.models) >= {"asr", "toxicity", "vocabulary", "pii"}
    assert all(detection.explanation for detection in flag.detections)
    assert {"endpointing", "recognition", "toxicity"} <= set(flag.timings_ms)
    assert flag.started_at < flag.ended_at
    assert received.key == flag.identity.speaker_id.encode()


async def test_events_carry_cloudevents_headers_with_their_deterministic_id(settings: Settings) -> None:
    received = await flag_of(settings, await play(settings, "insult-moron"))
    headers = dict(received.headers)
    assert headers["ce_id"] == received.event.flag_id.encode()
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_type"] == b"voice.moderation.ModerationFlag.v1"
    assert headers["content-type"] == b"application/avro"
    assert {"ce_source", "ce_time"} <= set(headers)


async def test_a_spoken_phone_number_is_masked_before_anything_is_published(settings: Settings) -> None:
    stream_id = await play(settings, "pii-phone")
    transcript = (await transcript_of(settings, stream_id)).event
    flag = (await flag_of(settings, stream_id)).event
    for text, words in ((transcript.text, transcript.words), (flag.text, flag.words)):
        assert "[PHONE]" in text
        assert text == " ".join(word.text for word in words)
        assert not any(character.isdigit() for character in text)
    (found,) = [d for d in flag.detections if d.kind is DetectionKind.PII]
    assert found.category == "PHONE"
    assert found.start_ms is not None
    assert found.end_ms is not None
    assert flag.start_ms <= found.start_ms < found.end_ms <= flag.end_ms + 200


async def test_a_listed_word_is_masked_and_its_time_is_told(settings: Settings) -> None:
    flag = (await flag_of(settings, await play(settings, "listed-bastard"))).event
    assert "***" in flag.text
    assert "bastard" not in flag.text.lower()
    assert any(d.kind is DetectionKind.VOCABULARY and d.start_ms is not None for d in flag.detections)


async def test_word_times_ascend_within_the_utterance(settings: Settings) -> None:
    transcript = (await transcript_of(settings, await play(settings, "clean-library"))).event
    assert transcript.is_final
    assert len(transcript.words) >= 5
    for before, after in zip(transcript.words, transcript.words[1:], strict=False):
        assert before.start_ms <= before.end_ms <= after.end_ms
        assert before.start_ms <= after.start_ms
    assert transcript.start_ms <= transcript.words[0].start_ms
    assert transcript.words[-1].end_ms <= transcript.end_ms + 200


async def test_game_talk_that_sounds_violent_gives_a_transcript_and_no_flag(settings: Settings) -> None:
    stream_id = await play(settings, "game-bomb")
    await transcript_of(settings, stream_id)
    async with EventReader.flags(settings) as flags:
        assert [flag async for flag in flags if flag.identity.stream_id == stream_id] == []


async def test_the_language_of_a_stream_without_a_hint_is_heard(settings: Settings) -> None:
    transcript = (await transcript_of(settings, await play(settings, "clean-album", hint=None))).event
    assert transcript.language.language == "en"
    assert transcript.language.confidence >= 0.9


async def test_poison_becomes_dead_letters_while_a_neighbour_is_transcribed(settings: Settings) -> None:
    poison = {
        "empty_value": None,
        "unknown_framing": b"not a framed message at all",
        "unknown_schema": b"\xc3\x01" + b"\x07" * 8 + b"whatever",
        "malformed_avro": None,
    }
    from support.streaming import audio_chunk

    from moderation.contracts.codecs import load_codecs

    codec = load_codecs(settings).audio_chunks
    good = codec.encode(audio_chunk(0, b"\x00\x00" * 3200, stream_id="poison-good"))
    poison["malformed_avro"] = good[: len(good) // 2]
    undecodable = codec.encode(audio_chunk(0, b"\x00\x04\xff\xff\xff\xff", encoding=AudioEncoding.OPUS, stream_id="o"))
    neighbour = asyncio.create_task(play(settings, "clean-homework"))
    async with AIOKafkaProducer(**kafka_arguments(settings)) as producer:
        topic = settings.streaming.audio_topic
        for code, value in poison.items():
            await producer.send_and_wait(
                topic, value, key=f"poison-{code}".encode(), headers=[("x-case", code.encode())]
            )
        await producer.send_and_wait(topic, good, key=b"another stream", headers=[("x-case", b"key_mismatch")])
        await producer.send_and_wait(topic, undecodable, key=b"o", headers=[("x-case", b"undecodable_audio")])
    letters: dict[str, DeadLetter] = {}
    async with asyncio.timeout(DEADLINE_S), EventReader.dead_letters(settings, follow=True, beginning=True) as reader:
        async for item in reader.received():
            assert isinstance(item, Received)
            headers = dict(item.headers)
            assert headers["__connect.errors.topic"] == settings.streaming.audio_topic.encode()
            assert headers["__connect.errors.exception.class.name"] == item.event.code.encode()
            case = dict(item.event.headers).get("x-case")
            if case:
                letters[case.decode()] = item.event
            if len(letters) == 6:
                break
    assert {case: letter.code for case, letter in letters.items()} == {case: case for case in letters}
    assert letters["malformed_avro"].value == poison["malformed_avro"]
    assert letters["unknown_framing"].key == b"poison-unknown_framing"
    assert (await transcript_of(settings, await neighbour)).event.text


async def test_no_speech_reaches_the_log(settings: Settings, worker_log: Path) -> None:
    await flag_of(settings, await play(settings, "insult-idiot"))
    log = (await asyncio.to_thread(worker_log.read_text, "utf-8")).lower()
    assert "idiot" not in log
    assert "worker_ready" in log
