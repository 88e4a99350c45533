import numpy as np
from support.audio import silence, voiced, with_noise

from moderation.audio.anchors import ANCHOR_RADIUS, LOOK_AHEAD, LOOK_BACK, find_anchors, quietest_place


def test_an_anchor_lies_at_the_end_of_digital_silence_and_none_inside() -> None:
    samples = np.concatenate([silence(0.5), voiced(0.5) + np.float32(0.2)])
    assert find_anchors(samples)[0] == 8_000


def test_anchors_are_the_same_in_any_window_that_holds_what_decides_them() -> None:
    samples = with_noise(np.concatenate([silence(1), voiced(1)]))
    anchors = find_anchors(samples)
    assert len(anchors) > 3
    for offset in (1, 333, 5_000):
        moved = find_anchors(samples[offset:]) + offset
        assert moved.tolist() == [anchor for anchor in anchors if anchor >= offset + LOOK_BACK]


def test_an_anchor_needs_no_more_than_its_surroundings() -> None:
    samples = with_noise(silence(2))
    for anchor in find_anchors(samples):
        alone = samples[anchor - LOOK_BACK : anchor + LOOK_AHEAD]
        assert find_anchors(alone).tolist() == [LOOK_BACK]


def test_anchors_keep_their_distance() -> None:
    anchors = find_anchors(with_noise(silence(5)))
    assert np.diff(anchors).min() > ANCHOR_RADIUS


def test_too_little_audio_has_no_anchor() -> None:
    assert len(find_anchors(with_noise(silence(0.1)))) == 0


def test_the_quietest_place_is_the_middle_of_the_pause() -> None:
    samples = np.concatenate([voiced(0.5), silence(0.064), voiced(0.5)]) + 0
    assert abs(quietest_place(samples, 1024) - (8_000 + 512)) < 300
