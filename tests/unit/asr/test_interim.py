import itertools

import numpy as np
import pytest

from moderation.asr.interim import CUT_WITHIN, OVERLAP, GrowingUtterance, InterimRules

SECOND = 16_000
RULES = InterimRules(first=3 * SECOND, every=SECOND, window=4 * SECOND)


def said(seconds: float, level: float = 0.5) -> np.ndarray:
    return np.full(int(seconds * SECOND), level, np.float32)


def test_nothing_is_heard_where_the_settings_say_never() -> None:
    assert InterimRules.of(from_s=3.0, every_s=0.0, window_s=6.0) is None


def test_windows_overlap_whatever_the_settings_say() -> None:
    rules = InterimRules.of(from_s=0.0, every_s=8.0, window_s=6.0)
    assert rules == InterimRules(first=0, every=8 * SECOND, window=8 * SECOND + OVERLAP)


def test_an_utterance_is_due_when_it_is_long_enough_and_again_when_it_has_grown() -> None:
    growing, due = GrowingUtterance(RULES), []
    for number in range(1, 11):
        growing.hear(said(0.5))
        if growing.is_due:
            due.append(number / 2)
            growing.window()
    assert due == [3.0, 4.0, 5.0]


def test_a_window_that_was_refused_is_due_until_it_is_taken() -> None:
    growing = GrowingUtterance(RULES)
    growing.hear(said(3.0))
    assert growing.is_due
    growing.hear(said(0.5))
    assert growing.is_due
    assert growing.window().heard == 3.5 * SECOND
    assert not growing.is_due


def test_a_window_of_an_utterance_that_fits_is_all_of_it() -> None:
    growing = GrowingUtterance(RULES)
    for level in (0.1, 0.2, 0.3):
        growing.hear(said(1.0, level))
    window = growing.window()
    assert (window.start, window.heard) == (0, 3 * SECOND)
    assert np.array_equal(window.samples, np.concatenate([said(1.0, level) for level in (0.1, 0.2, 0.3)]))


@pytest.mark.parametrize("piece_s", [0.2, 0.7, 9.0])
def test_a_longer_one_begins_at_the_quietest_place_of_its_first_second(piece_s: float) -> None:
    growing, whole = GrowingUtterance(RULES), said(9.0)
    quiet = slice(int(5.4 * SECOND), int(5.6 * SECOND))
    whole[quiet] = 0.001
    for start in range(0, len(whole), int(piece_s * SECOND)):
        growing.hear(whole[start : start + int(piece_s * SECOND)])
    window = growing.window()
    assert quiet.start <= window.start <= quiet.stop
    assert np.array_equal(window.samples, whole[window.start :])
    assert window.heard == len(whole)


def test_a_window_holds_at_least_a_second_of_the_one_before() -> None:
    growing, spans = GrowingUtterance(RULES), []
    for _ in range(60):
        growing.hear(said(0.2))
        if growing.is_due:
            window = growing.window()
            spans.append((window.start, window.heard))
    for before, after in itertools.pairwise(spans):
        assert before[1] - after[0] >= OVERLAP - CUT_WITHIN


def test_only_what_a_window_may_need_is_kept() -> None:
    growing = GrowingUtterance(RULES)
    for _ in range(100):
        growing.hear(said(0.2))
    assert growing._kept <= RULES.window + 0.2 * SECOND
