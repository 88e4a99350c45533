"""Whisper's language codes and BCP-47 tags."""

from moderation.events import primary_tag

_CODE_OF_TAG = {"jv": "jw", "nb": "no", "fil": "tl", "iw": "he", "in": "id", "cmn": "zh"}
_TAG_OF_CODE = {"jw": "jv"}


def whisper_code(tag: str) -> str:
    """The code that Whisper uses for a BCP-47 tag: `pt` of `pt-BR`, `jw` of `jv`."""
    primary = primary_tag(tag)
    return _CODE_OF_TAG.get(primary, primary)


def tag_of(code: str) -> str:
    """The primary BCP-47 tag of a Whisper code."""
    return _TAG_OF_CODE.get(code, code)
