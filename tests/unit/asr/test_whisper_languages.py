import pytest

from moderation.asr.whisper.languages import tag_of, whisper_code


@pytest.mark.parametrize(("tag", "code"), [("pt-BR", "pt"), ("EN", "en"), ("jv", "jw"), ("nb", "no"), ("iw", "he")])
def test_tags_become_the_codes_of_whisper(tag: str, code: str) -> None:
    assert whisper_code(tag) == code


def test_javanese_gets_its_proper_tag_back() -> None:
    assert tag_of("jw") == "jv"
    assert tag_of("ko") == "ko"
