"""Written text brought towards what people say and speech recognisers write."""

import html
import re

_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_USER = re.compile(r"(?<!\w)@\w+")
_RETWEET = re.compile(r"(?<!\w)RT\b:?")
_MARKUP = re.compile(r"</?\w{1,10}>|\[(?:USER|URL)\]|''+|==+|~~~~|\u200b", re.IGNORECASE)
_WIKI_SIGNATURE = re.compile(r"\(talk\)|\d\d:\d\d, \d{1,2} \w+ \d{4} \(UTC\)|\u2022 contribs", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_NOT_SPOKEN = re.compile(r"[^\w\s'\u2019]|_")
_LONE_APOSTROPHE = re.compile(r"(?<!\w)'|'(?!\w)")


def cleaned(text: str) -> str:
    """Drop what nobody says aloud: links, user names, retweet marks, mark-up, signatures. Idempotent on plain text."""
    text = html.unescape(text)
    for pattern in (_URL, _USER, _RETWEET, _MARKUP, _WIKI_SIGNATURE):
        text = pattern.sub(" ", text)
    return _SPACE.sub(" ", text.replace("#", " ")).strip(' "!:|')


def spoken(text: str) -> str:
    """Lower case, no punctuation but apostrophes inside words: what a recogniser without punctuation writes."""
    text = _NOT_SPOKEN.sub(" ", text.lower()).replace("\u2019", "'")
    return _SPACE.sub(" ", _LONE_APOSTROPHE.sub(" ", text)).strip()


def fingerprint(text: str) -> str:
    """The words alone, for comparing texts whatever their case, punctuation and mark-up."""
    return _SPACE.sub(" ", re.sub(r"[^\w\s]|_", "", spoken(cleaned(text)))).strip()
