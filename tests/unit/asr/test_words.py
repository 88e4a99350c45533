from collections.abc import Sequence

from moderation.asr.whisper.words import timed_words, words_of

PIECES = {1: " play", 2: "ers", 3: ",", 4: " go", 5: ".", 6: " ", 7: "¿", 8: " é", 9: "\ufffd"}


def decode(tokens: Sequence[int]) -> str:
    return "".join(PIECES[token] for token in tokens)


def test_tokens_are_grouped_at_spaces_and_keep_their_punctuation() -> None:
    words = words_of([1, 2, 3, 4, 5], decode)
    assert [(word.text, word.tokens, word.spoken) for word in words] == [("players,", (1, 2, 3), 2), ("go.", (4, 5), 1)]


def test_text_that_does_not_begin_with_a_space_begins_a_word() -> None:
    assert [word.text for word in words_of([2, 4], decode)] == ["ers", "go"]


def test_a_lone_space_is_no_word() -> None:
    assert [word.text for word in words_of([6, 4], decode)] == ["go"]


def test_half_characters_belong_to_the_spoken_part() -> None:
    assert words_of([8, 9, 5], decode)[0].spoken == 2


def test_a_word_ends_where_its_punctuation_begins() -> None:
    words = words_of([1, 2, 3, 4], decode)
    path = [(0, 10), (0, 11), (1, 20), (2, 30), (3, 60), (4, 70)]
    timed = timed_words(words, path, [0.5, 0.7, 0.9, 0.4], 1_000)
    assert [(word.text, word.start_ms, word.end_ms) for word in timed] == [
        ("players,", 1_200, 1_600),
        ("go", 2_200, 2_400),
    ]
    assert abs(timed[0].confidence - 0.7) < 1e-9
    assert timed[1].confidence == 0.4


def test_the_pause_before_the_first_word_is_not_part_of_it() -> None:
    words = words_of([4], decode)
    assert timed_words(words, [(0, 0), (1, 500)], [1.0], 0)[0].start_ms == 10_000 - 700


def test_a_pause_after_a_later_word_is_not_part_of_it() -> None:
    words = words_of([4, 4], decode)
    assert timed_words(words, [(0, 0), (1, 10), (2, 500)], [1.0, 1.0], 0)[1].end_ms == 200 + 700


def test_without_an_alignment_every_word_is_at_the_start() -> None:
    assert [(word.start_ms, word.end_ms) for word in timed_words(words_of([4], decode), [], [], 50)] == [(50, 50)]
