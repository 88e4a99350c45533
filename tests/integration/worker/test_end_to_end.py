"""Real speech through a real broker and a real worker: what comes out is what a moderator needs, and nothing else."""

import asyncio
from pathlib import Path

import pytest
from support.voices import flag_of, play, transcript_of

from moderation.client.reader import EventReader
from moderation.events import (
    AudioEncoding,
    DetectionKind,
    Severity,
)
from moderation.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


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
    assert headers["ce_id"] == f"{received.event.flag_id}.{received.event.revision}".encode()
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


async def test_no_speech_reaches_the_log(settings: Settings, worker_log: Path) -> None:
    await flag_of(settings, await play(settings, "insult-idiot"))
    log = (await asyncio.to_thread(worker_log.read_text, "utf-8")).lower()
    assert "idiot" not in log
    assert "worker_ready" in log
