from moderation.bench.toxicity import heard


def test_a_text_is_judged_with_words_that_join_to_it() -> None:
    told = heard("well  i said\nhello")
    assert told.text == "well i said hello" == " ".join(word.text for word in told.words)
    assert [(word.start_ms, word.end_ms) for word in told.words[:2]] == [(0, 300), (300, 600)]
    assert told.language.language == "en"
