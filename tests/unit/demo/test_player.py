"""Streams are sent as live clients would send them."""

import asyncio
from datetime import UTC, datetime, timedelta

import numpy as np

from moderation.clock import ManualClock
from moderation.demo.manifest import load_manifest
from moderation.demo.player import CLIP_RATE_HZ, Track, durations_ms, play, prepare_tracks, read_clips
from moderation.demo.scenario import Scenario, load_scenario
from moderation.demo.timeline import place_all
from moderation.events import AudioChunk, AudioEncoding

STARTED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def scenario(*streams: tuple[str, AudioEncoding, int]) -> Scenario:
    plans = [
        {
            "stream_id": name,
            "session_id": "m",
            "speaker_id": f"speaker-{name}",
            "encoding": encoding,
            "sample_rate_hz": rate_hz,
            "language_hint": "en",
            "plays": [],
        }
        for name, encoding, rate_hz in streams
    ]
    return Scenario.model_validate(
        {"version": 1, "duration_s": 1, "chunk_ms": 200, "tenant_id": "demo", "streams": plans}
    )


async def played(plan: Scenario) -> tuple[int, list[tuple[datetime, AudioChunk]]]:
    clock = ManualClock(STARTED_AT)
    sent: list[tuple[datetime, AudioChunk]] = []

    async def send(chunk: AudioChunk) -> None:
        sent.append((clock.now(), chunk))

    async def sleep(seconds: float) -> None:
        clock.advance(seconds)
        await asyncio.sleep(0)

    tracks = [
        Track(plan=one, audio=np.zeros(round(one.sample_rate_hz * plan.duration_s), np.float32)) for one in plan.streams
    ]
    return await play(tracks, plan, send=send, clock=clock, sleep=sleep), sent


async def test_a_chunk_is_sent_when_its_audio_has_been_captured():
    count, sent = await played(scenario(("a", AudioEncoding.PCM_S16LE, 16_000)))
    assert count == 5
    audio = [(at, chunk) for at, chunk in sent if not chunk.end_of_stream]
    assert [chunk.sequence for _, chunk in audio] == [0, 1, 2, 3, 4]
    for number, (at, chunk) in enumerate(audio):
        assert chunk.captured_at == STARTED_AT + timedelta(milliseconds=200 * number)
        assert abs(at - chunk.captured_at - timedelta(milliseconds=200)) < timedelta(milliseconds=1)


async def test_every_stream_says_who_it_is_and_ends():
    _, sent = await played(
        scenario(
            ("a", AudioEncoding.OPUS, 48_000), ("b", AudioEncoding.MULAW, 8_000), ("c", AudioEncoding.FLAC, 16_000)
        )
    )
    by_stream = {name: [chunk for _, chunk in sent if chunk.stream_id == name] for name in ("a", "b", "c")}
    for name, chunks in by_stream.items():
        assert [chunk.end_of_stream for chunk in chunks] == [False] * 5 + [True]
        assert {chunk.speaker_id for chunk in chunks} == {f"speaker-{name}"}
        assert {(chunk.tenant_id, chunk.session_id, chunk.language_hint) for chunk in chunks} == {("demo", "m", "en")}
    assert {chunk.sample_rate_hz for chunk in by_stream["b"]} == {8_000}


def test_the_tracks_of_the_demo_hold_its_clips_at_the_rate_of_each_stream():
    plan = load_scenario().shortened(5)
    clips = read_clips(load_manifest().clips)
    placed = place_all(plan, durations_ms(clips))
    tracks = prepare_tracks(plan, placed, clips)
    assert placed
    for track in tracks:
        rate_hz = track.plan.sample_rate_hz
        assert len(track.audio) == 5 * rate_hz
        for one in (one for one in placed if one.stream_id == track.plan.stream_id):
            heard = track.audio[one.start_ms * rate_hz // 1000 : one.end_ms * rate_hz // 1000]
            said = clips[one.clip_id]
            assert np.isclose(np.mean(heard**2), np.mean(said**2), rtol=0.3)


def test_the_length_of_a_clip_is_in_milliseconds():
    assert durations_ms({"one": np.zeros(CLIP_RATE_HZ // 2, np.float32)}) == {"one": 500}
