"""Comparing what was heard with what was said, word by word."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_ONES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_TEENS = ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NUMBERS = {word: value for value, word in enumerate(_ONES + _TEENS)} | {
    word: value * 10 for value, word in enumerate(_TENS, start=2)
}
_SCALES = {"hundred": 100, "thousand": 1000}
_CONTRACTIONS = {
    r"\bwon't\b": "will not",
    r"\bcan't\b": "can not",
    r"\bcannot\b": "can not",
    r"n't\b": " not",
    r"'re\b": " are",
    r"'m\b": " am",
    r"'ll\b": " will",
    r"'ve\b": " have",
    r"\blet's\b": "let us",
}


def normalise(text: str) -> list[str]:
    """The words of a text as they are compared.

    Lower case, no punctuation, contractions spelt out; `@` reads "at", and a dot between letters or digits reads "dot".
    Numbers become their digits, a word each, whether they are written ("2,500", "646-555-0183") or spoken ("two
    thousand five hundred", "six four six, five five five ..."), so that neither spelling counts as an error.
    """
    text = text.lower().replace("\u2019", "'")
    for pattern, spelt in _CONTRACTIONS.items():
        text = re.sub(pattern, spelt, text)
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    text = re.sub(r"(?<=\w)\.(?=\w)", " dot ", text).replace("@", " at ")
    text = re.sub(r"(?<=\d)(?=[a-z])|(?<=[a-z])(?=\d)", " ", text)
    return _digits(re.findall(r"[a-z']+|\d+", text))


def _digits(words: Sequence[str]) -> list[str]:
    result: list[str] = []
    number: list[str] = []
    for word in [*words, ""]:
        if word in _NUMBERS or (number and word in _SCALES):
            number.append(word)
            continue
        result.extend(_spoken_number(number))
        number = []
        result.extend(word if word.isdigit() else [word.strip("'")] if word.strip("'") else [])
    return result


def _spoken_number(words: Sequence[str]) -> list[str]:
    """The digits of number words: one cardinal where they name tens or scales, else digit by digit."""
    if not any(word in _SCALES or _NUMBERS[word] >= 20 for word in words):
        return [digit for word in words for digit in str(_NUMBERS[word])]
    total = current = 0
    for word in words:
        scale = _SCALES.get(word)
        if scale == 1000:
            total, current = total + max(current, 1) * 1000, 0
        elif scale:
            current = max(current, 1) * scale
        else:
            current += _NUMBERS[word]
    return list(str(total + current))


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Words said that were heard as other words; either may be empty."""

    said: str
    heard: str


def differences(said: Sequence[str], heard: Sequence[str]) -> list[Difference]:
    """The fewest single-word changes from what was said to what was heard (Levenshtein), in order."""
    costs = _costs(said, heard)
    changes: list[Difference] = []
    i, j = len(said), len(heard)
    while i or j:
        if i and j and costs[i][j] == costs[i - 1][j - 1] + (said[i - 1] != heard[j - 1]):
            i, j = i - 1, j - 1
            if said[i] != heard[j]:
                changes.append(Difference(said=said[i], heard=heard[j]))
        elif i and costs[i][j] == costs[i - 1][j] + 1:
            i -= 1
            changes.append(Difference(said=said[i], heard=""))
        else:
            j -= 1
            changes.append(Difference(said="", heard=heard[j]))
    return changes[::-1]


def _costs(said: Sequence[str], heard: Sequence[str]) -> list[list[int]]:
    costs = [list(range(len(heard) + 1))]
    for i, word in enumerate(said, start=1):
        row = [i]
        for j, other in enumerate(heard, start=1):
            row.append(min(costs[-1][j] + 1, row[-1] + 1, costs[-1][j - 1] + (word != other)))
        costs.append(row)
    return costs
