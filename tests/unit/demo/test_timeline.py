"""Clips lie in a stream where the scenario puts them."""

import numpy as np

from moderation.demo.scenario import Play, StreamPlan
from moderation.demo.timeline import clip_at, place, render
from moderation.events import AudioEncoding

PLAN = StreamPlan(
    stream_id="s",
    session_id="m",
    speaker_id="p",
    encoding=AudioEncoding.PCM_S16LE,
    sample_rate_hz=1000,
    plays=(Play(gap_s=0.5, clip="one"), Play(gap_s=1.0, clip="two")),
)
DURATIONS_MS = {"one": 200, "two": 300}
PLACED = place(PLAN, DURATIONS_MS, until_ms=2000)


def test_gaps_count_from_the_end_of_the_clip_before():
    assert [(one.clip_id, one.start_ms, one.end_ms) for one in PLACED] == [("one", 500, 700), ("two", 1700, 2000)]


def test_a_clip_that_would_not_end_in_time_is_left_out():
    assert [one.clip_id for one in place(PLAN, DURATIONS_MS, until_ms=1999)] == ["one"]


def test_rendering_puts_silence_around_the_clips():
    clips = {"one": np.full(200, 0.1, np.float32), "two": np.full(300, 0.2, np.float32)}
    audio = render(PLACED, clips, duration_s=2.5, rate_hz=1000)
    expected = np.zeros(2500, np.float32)
    expected[500:700], expected[1700:2000] = 0.1, 0.2
    assert np.array_equal(audio, expected)


def test_an_utterance_belongs_to_the_clip_it_shares_most_time_with():
    assert clip_at(PLACED, stream_id="s", start_ms=650, end_ms=1900) == "two"
    assert clip_at(PLACED, stream_id="s", start_ms=400, end_ms=800) == "one"


def test_an_utterance_between_clips_or_of_another_stream_belongs_to_none():
    assert clip_at(PLACED, stream_id="s", start_ms=800, end_ms=1500) is None
    assert clip_at(PLACED, stream_id="t", start_ms=500, end_ms=700) is None
