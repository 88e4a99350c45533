"""Make a `Recognition` of what an engine understood, in the one form that the contract asks for."""

from collections.abc import Iterable
from dataclasses import replace

from moderation.asr.engine import Recognition
from moderation.events import Word

SAMPLE_RATE_HZ = 16_000
"""The rate of all audio that engines take."""


def audio_ms(samples: int) -> int:
    """How long so many samples last, rounded down to whole milliseconds."""
    return samples * 1000 // SAMPLE_RATE_HZ


def recognition_of(words: Iterable[Word], *, language: str, audio_ms: int) -> Recognition:
    """The recognition made of these words.

    Words without text are left out. Times are brought into `0..audio_ms` and into order: no word starts before its
    predecessor or ends before it starts. Confidences are brought into [0, 1].
    """
    kept: list[Word] = []
    for word in words:
        text = " ".join(word.text.split())
        if text:
            kept.append(_in_order(replace(word, text=text), kept[-1] if kept else None, audio_ms))
    return Recognition(
        text=" ".join(word.text for word in kept),
        words=tuple(kept),
        confidence=sum(word.confidence for word in kept) / len(kept) if kept else 0.0,
        language=language,
        audio_ms=audio_ms,
    )


def _in_order(word: Word, previous: Word | None, audio_ms: int) -> Word:
    earliest_ms = previous.start_ms if previous else 0
    start_ms = min(max(word.start_ms, earliest_ms), audio_ms)
    return replace(
        word,
        start_ms=start_ms,
        end_ms=min(max(word.end_ms, start_ms), audio_ms),
        confidence=min(max(word.confidence, 0.0), 1.0),
    )
