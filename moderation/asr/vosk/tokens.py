"""What Vosk's models write for a word, and what was said."""

_BRACKETS = {"[": "]", "<": ">", "(": ")"}


def spoken_form(token: str) -> str | None:
    """The word without the brackets that some models put around numerals; None for what is not a word.

    `[unk]`, `<unk>`, `[noise]`, `<eps>` name sounds or the unknown, not words: ASCII letters in square or angle
    brackets. `[3]` and `(천)` are numerals.
    """
    if len(token) < 3 or _BRACKETS.get(token[0]) != token[-1]:
        return token or None
    inside = token[1:-1]
    if token[0] != "(" and inside.isascii() and not inside.isdigit():
        return None
    return inside
