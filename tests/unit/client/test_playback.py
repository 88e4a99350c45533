"""A track is sent in order, at the pace of its audio, and ends."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from moderation.audio.utterance import SAMPLE_RATE_HZ, Samples
from moderation.client.playback import Playback, StreamSource, TrackFormat
from moderation.clock import ManualClock
from moderation.events import AudioChunk, AudioEncoding

START = datetime(2026, 3, 1, tzinfo=UTC)
SOURCE = StreamSource(tenant_id="t", session_id="s", stream_id="s/1", speaker_id="p", language_hint="en")
TRACK = TrackFormat(encoding=AudioEncoding.PCM_S16LE, sample_rate_hz=SAMPLE_RATE_HZ, chunk_ms=200)


class Halves:
    """An encoder of chunks of 200 ms that keeps what is left for the end, as the real one does."""

    def __init__(self) -> None:
        self._waiting = 0

    def encode(self, samples: Samples) -> list[bytes]:
        whole, self._waiting = divmod(self._waiting + len(samples), SAMPLE_RATE_HZ // 5)
        return [b"full"] * whole

    def flush(self) -> list[bytes]:
        return [b"rest"] if self._waiting else []


class Stage:
    """A clock that sleeping moves, and a record of what was sent when."""

    def __init__(self, send_takes_s: float = 0.0) -> None:
        self.clock = ManualClock(START)
        self.sent: list[tuple[float, AudioChunk]] = []
        self._send_takes_s = send_takes_s

    async def sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)

    async def send(self, chunk: AudioChunk) -> None:
        self.sent.append((round(self.clock.monotonic_s(), 6), chunk))
        self.clock.advance(self._send_takes_s)


def _seconds(seconds: float) -> Samples:
    return np.zeros(int(seconds * SAMPLE_RATE_HZ), dtype=np.float32)


async def _play(stage: Stage, *blocks: Samples, speed: float = 1.0) -> object:
    playback = Playback(SOURCE, TRACK, clock=stage.clock, sleep=stage.sleep, speed=speed)
    return await playback.run(blocks, Halves(), stage.send)


async def test_each_chunk_is_sent_when_its_audio_has_been_captured() -> None:
    stage = Stage()
    await _play(stage, _seconds(0.6))
    assert [at for at, _ in stage.sent] == [0.2, 0.4, 0.6, 0.6]


async def test_chunks_say_when_their_first_sample_was_captured() -> None:
    stage = Stage()
    await _play(stage, _seconds(0.6))
    assert [(chunk.captured_at - START).total_seconds() for _, chunk in stage.sent] == [0.0, 0.2, 0.4, 0.6]


async def test_sequences_count_from_zero_and_the_last_chunk_is_empty_and_ends_the_stream() -> None:
    stage = Stage()
    await _play(stage, _seconds(0.5))
    chunks = [chunk for _, chunk in stage.sent]
    assert [chunk.sequence for chunk in chunks] == [0, 1, 2, 3]
    assert [chunk.payload for chunk in chunks] == [b"full", b"full", b"rest", b""]
    assert [chunk.end_of_stream for chunk in chunks] == [False, False, False, True]
    assert {(chunk.stream_id, chunk.speaker_id, chunk.language_hint) for chunk in chunks} == {("s/1", "p", "en")}


async def test_the_size_of_the_blocks_makes_no_difference() -> None:
    one, many = Stage(), Stage()
    await _play(one, _seconds(1.1))
    await _play(many, *([_seconds(0.01)] * 110))
    assert one.sent == many.sent


@pytest.mark.parametrize(("speed", "times"), [(2.0, [0.1, 0.2, 0.3, 0.3]), (0.5, [0.4, 0.8, 1.2, 1.2])])
async def test_speed_stretches_the_pace_and_the_instants_alike(speed: float, times: list[float]) -> None:
    stage = Stage()
    await _play(stage, _seconds(0.6), speed=speed)
    assert [at for at, _ in stage.sent] == times
    assert (stage.sent[-1][1].captured_at - START).total_seconds() == pytest.approx(times[-1])


async def test_speed_zero_never_waits() -> None:
    stage = Stage()

    async def no_sleep(seconds: float) -> None:
        raise AssertionError("it waited")

    stage.sleep = no_sleep  # type: ignore[method-assign]
    await _play(stage, _seconds(0.6), speed=0)
    assert len(stage.sent) == 4


async def test_after_a_slow_confirmation_the_pace_is_caught_up() -> None:
    stage = Stage()
    slow = [0.5, 0.0, 0.0, 0.0]

    async def send(chunk: AudioChunk) -> None:
        stage.sent.append((round(stage.clock.monotonic_s(), 6), chunk))
        stage.clock.advance(slow[chunk.sequence] if chunk.sequence < len(slow) else 0)

    hold: Callable[[AudioChunk], Awaitable[None]] = send
    playback = Playback(SOURCE, TRACK, clock=stage.clock, sleep=stage.sleep)
    await playback.run([_seconds(0.8)], Halves(), hold)
    assert [at for at, _ in stage.sent] == [0.2, 0.7, 0.7, 0.8, 0.8]


async def test_it_says_what_was_sent() -> None:
    played = await Playback(SOURCE, TRACK, clock=ManualClock(START), sleep=Stage().sleep, speed=0).run(
        [_seconds(0.5)], Halves(), Stage().send
    )
    assert (played.chunks, played.audio_ms, played.payload_bytes) == (3, 600, 12)


async def test_an_empty_track_still_ends_its_stream() -> None:
    stage = Stage()
    await _play(stage)
    assert [chunk.end_of_stream for _, chunk in stage.sent] == [True]
