from moderation.toxicity.training.speech_style import cleaned, fingerprint, spoken


def test_links_user_names_and_retweet_marks_go() -> None:
    assert cleaned("RT @joe: see https://a.b/c &amp; tell #everyone") == "see & tell everyone"


def test_spoken_style_is_lower_case_with_apostrophes_inside_words_only() -> None:
    assert spoken("Don't SHOUT, 'Bob'!") == "don't shout bob"


def test_cleaning_is_idempotent_on_plain_text() -> None:
    assert cleaned(cleaned("It's  5 o'clock, folks.")) == cleaned("It's  5 o'clock, folks.")


def test_fingerprints_ignore_case_punctuation_and_apostrophes() -> None:
    assert fingerprint("Don't!") == fingerprint("dont") == "dont"
