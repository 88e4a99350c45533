"""A vocabulary of letters stands for the model's; END is the end of the text."""

import math

import numpy as np
import pytest

from moderation.asr.whisper.hypotheses import Beam

END = 0
Following = dict[int, float]
"""How probable each token is."""


def beam(width: int, *, most_tokens: int = 10) -> Beam:
    return Beam(width=width, end_of_text=END, most_tokens=most_tokens)


def grown(now: Beam, *following: Following) -> Beam:
    """`following` has one entry for each open text, all of one length, the most probable first."""
    ranked = [sorted(row.items(), key=lambda item: -item[1]) for row in following]
    tokens = np.array([[token for token, _ in row] for row in ranked])
    return now.grown(tokens, np.log(np.array([[chance for _, chance in row] for row in ranked])))


def texts(hypotheses: tuple, /) -> list[list[int]]:
    return [[step.token for step in hypothesis.path()] for hypothesis in hypotheses]


def test_greedy_follows_the_most_probable_token_until_the_end() -> None:
    now = grown(beam(1), {7: 0.6, 8: 0.4})
    assert texts(now.open) == [[7]]
    now = grown(now, {END: 0.45, 9: 0.55})
    assert (texts(now.open), now.is_done) == ([[7, 9]], False)
    now = grown(now, {END: 0.9, 9: 0.1})
    assert now.is_done
    assert texts((now.best(),)) == [[7, 9, END]]


def test_where_one_token_is_sure_nothing_else_is_followed() -> None:
    assert texts(grown(beam(4), {7: 0.9, 8: 0.06, 9: 0.04}).open) == [[7]]


def test_what_is_nearly_as_probable_is_followed_too_the_most_probable_first() -> None:
    assert texts(grown(beam(4), {7: 0.3, 8: 0.45, 9: 0.25}).open) == [[8], [7], [9]]
    assert texts(grown(beam(2), {7: 0.3, 8: 0.45, 9: 0.25}).open) == [[8], [7]]


def test_a_text_that_was_second_may_win() -> None:
    now = grown(beam(2), {7: 0.55, 8: 0.45})
    now = grown(now, {END: 0.5, 9: 0.3}, {END: 0.95, 9: 0.05})
    assert texts((now.best(),)) == [[8, END]]


def test_rows_say_where_the_decoder_was_told_the_text_before() -> None:
    now = grown(beam(3), {7: 0.5, 8: 0.5})
    now = grown(now, {5: 0.5, 6: 0.3}, {5: 0.9, 6: 0.1})
    assert [(hypothesis.token, hypothesis.row) for hypothesis in now.open] == [(5, 1), (5, 0), (6, 0)]


def test_of_texts_that_end_alike_only_the_most_probable_is_followed() -> None:
    now = grown(beam(4), {7: 0.6, 8: 0.4})
    for token in (1, 2, 3):
        assert len(now.open) == 2
        now = grown(now, *({token: 1.0, 9: 1e-9} for _ in now.open))
    assert texts(now.open) == [[7, 1, 2, 3]]


def test_texts_stop_at_the_limit() -> None:
    now = beam(1, most_tokens=3)
    for _ in range(3):
        assert not now.is_done
        now = grown(now, {7: 0.9, END: 0.1})
    assert now.is_done
    assert now.best().token == 7


def test_what_is_given_up_is_compared_with_texts_that_have_ended_too() -> None:
    now = grown(beam(4), {7: 0.5, 8: 0.5})
    now = grown(now, {END: 1.0, 9: 1e-9}, {5: 0.6, 6: 0.4})
    assert (texts(now.ended), texts(now.open)) == ([[7, END]], [[8, 5], [8, 6]])
    assert not now.is_done
    now = grown(now, {5: 0.3, 6: 0.1}, {5: 0.1, 6: 0.1})
    assert now.is_done


def test_the_score_is_that_of_all_tokens() -> None:
    now = grown(grown(beam(1), {7: 0.5, 8: 0.2}), {END: 0.25, 9: 0.2})
    assert now.best().score == pytest.approx(math.log(0.125))
    assert now.best().average_log_probability == pytest.approx(math.log(0.125) / 2)


def test_tokens_that_are_never_said_are_never_chosen() -> None:
    with np.errstate(divide="ignore"):
        now = beam(4).grown(np.array([[7, 8]]), np.log(np.array([[1.0, 0.0]])))
    assert texts(now.open) == [[7]]
