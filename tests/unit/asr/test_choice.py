from moderation.asr.choice import choose_engine

PREFERENCES = {"en": ["whisper:tiny.en", "whisper:base"], "ko": ["vosk:ko", "whisper:base"], "*": ["whisper:base"]}
TINY = {"whisper:tiny.en": frozenset({"en"})}
BASE = {"whisper:base": None}


def test_the_first_installed_engine_is_chosen() -> None:
    choice = choose_engine("en", PREFERENCES, TINY | BASE)
    assert (choice.engine, choice.passed_over) == ("whisper:tiny.en", ())


def test_what_is_not_installed_is_passed_over_with_the_reason() -> None:
    choice = choose_engine("ko", PREFERENCES, BASE)
    assert choice.engine == "whisper:base"
    assert [(passed.engine, passed.reason) for passed in choice.passed_over] == [("vosk:ko", "is not installed")]


def test_other_languages_are_served_by_the_star() -> None:
    assert choose_engine("de", PREFERENCES, BASE).engine == "whisper:base"


def test_a_language_with_an_entry_is_not_served_by_the_star() -> None:
    assert choose_engine("ko", {"ko": ["vosk:ko"], "*": ["whisper:base"]}, BASE).engine is None


def test_a_region_does_not_matter() -> None:
    choice = choose_engine("en-GB", PREFERENCES, TINY)
    assert (choice.language, choice.engine) == ("en", "whisper:tiny.en")


def test_a_model_that_does_not_know_the_language_is_passed_over() -> None:
    choice = choose_engine("de", {"*": ["whisper:tiny.en"]}, TINY)
    assert choice.engine is None
    assert choice.passed_over[0].reason == "does not know 'de'"


def test_without_any_entry_there_is_no_engine() -> None:
    assert choose_engine("de", {"en": ["whisper:base"]}, BASE).engine is None
