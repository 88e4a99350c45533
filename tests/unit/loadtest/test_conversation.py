import random

import pytest

from loadtest.clips import PACKET_MS, Clip, load_clips, silence_packet
from loadtest.conversation import make_track

SILENCE = b"quiet"


def clip(name: str, packets: int) -> Clip:
    return Clip(clip_id=name, packets=(name.encode(),) * packets, flagged=False)


@pytest.mark.parametrize("talk_ratio", [0.1, 0.25, 0.5])
def test_a_track_talks_for_about_the_share_that_was_asked_for(talk_ratio: float) -> None:
    clips = [clip("a", 100), clip("b", 150)]
    track = make_track(clips, SILENCE, duration_ms=3_600_000, talk_ratio=talk_ratio, rng=random.Random(1))
    talked = sum(packet != SILENCE for packet in track.packets)
    assert talked / len(track.packets) == pytest.approx(talk_ratio, abs=0.03)


def test_a_track_that_does_not_talk_is_silent_throughout() -> None:
    track = make_track([clip("a", 100)], SILENCE, duration_ms=1_000, talk_ratio=0.0, rng=random.Random(1))
    assert track.packets == (SILENCE,) * 50
    assert track.turns == ()


def test_turns_say_where_their_packets_are() -> None:
    track = make_track([clip("a", 50)], SILENCE, duration_ms=30_000, talk_ratio=0.3, rng=random.Random(2))
    assert track.turns
    for turn in track.turns:
        packets = track.packets[turn.start_ms // PACKET_MS : turn.end_ms // PACKET_MS]
        assert packets == turn.clip.packets
    assert len(track.packets) * PACKET_MS == 30_000


def test_the_same_seed_gives_the_same_conversation() -> None:
    tracks = [
        make_track([clip("a", 50)], SILENCE, duration_ms=30_000, talk_ratio=0.3, rng=random.Random(7)) for _ in range(2)
    ]
    assert tracks[0] == tracks[1]


def test_the_clips_of_the_package_come_as_opus_packets_of_20_ms() -> None:
    clips = load_clips()
    assert any(item.flagged for item in clips)
    assert any(not item.flagged for item in clips)
    assert all(1_000 < item.duration_ms < 15_000 for item in clips)
    assert 0 < len(silence_packet()) < 60
