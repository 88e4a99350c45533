import numpy as np
import pytest

from moderation.bench.clips import Clip
from moderation.bench.tracks import CHUNK_MS, PAUSE_S, RATES_HZ, StreamIds, muted, spread, talking
from moderation.events import AudioEncoding


def clip(clip_id: str, seconds: float) -> Clip:
    samples = np.full(int(seconds * 16_000), 0.1, np.float32)
    return Clip(clip_id=clip_id, collection="c", language="en", text="x", samples=samples)


@pytest.mark.parametrize("encoding", RATES_HZ)
def test_clips_become_a_stream_with_a_breath_behind_each(encoding: AudioEncoding) -> None:
    track = talking([clip("a", 1.0), clip("b", 2.0)], encoding, stream_id="s", language="en")
    assert (track.talk_s, track.audio_s) == (3.0, 3.0 + 2 * PAUSE_S)
    assert [chunk.sequence for chunk in track.chunks] == list(range(21))
    assert [chunk.end_of_stream for chunk in track.chunks] == [False] * 20 + [True]
    steps = np.diff([chunk.captured_at.timestamp() for chunk in track.chunks])
    assert np.allclose(steps, CHUNK_MS / 1000)
    assert {(chunk.encoding, chunk.sample_rate_hz) for chunk in track.chunks} == {(encoding, RATES_HZ[encoding])}


def test_a_muted_stream_is_silence_without_talk() -> None:
    track = muted(2.0, AudioEncoding.PCM_S16LE, stream_id="s", language="en")
    assert (track.talk_s, track.audio_s, len(track.chunks)) == (0.0, 2.0, 10)
    assert not any(any(chunk.payload) for chunk in track.chunks)


def test_a_track_is_renamed_as_a_whole_and_keeps_its_audio() -> None:
    track = muted(1.0, AudioEncoding.PCM_S16LE, stream_id="s", language="en")
    ids = StreamIds("p")
    first, second = track.renamed(ids.next()), track.renamed(ids.next())
    assert {chunk.stream_id for chunk in first.chunks} == {"p-0"}
    assert {chunk.stream_id for chunk in second.chunks} == {"p-1"}
    assert [chunk.payload for chunk in first.chunks] == [chunk.payload for chunk in track.chunks]


def test_clips_are_taken_from_everywhere_until_there_is_enough_audio() -> None:
    clips = [clip(str(number), 1.0) for number in range(10)]
    chosen = spread(clips, 3.0)
    assert [each.clip_id for each in chosen] == ["0", "3", "6"]
    assert spread(clips, 100.0) == clips
    assert spread(clips, 0.1) == clips[:1]
    assert spread([], 10.0) == []
