"""Which utterance a crash is blamed on: the same one whenever it is tried again, and no other."""

from threading import BoundedSemaphore

import numpy as np
import pytest

from moderation.asr.engine import Samples
from moderation.asr.vosk.messages import PartialReply, Request
from moderation.asr.vosk.recognizer import VoskRecognizer

NOISE = np.random.default_rng(1).uniform(-0.5, 0.5, 16_000).astype(np.float32)
OTHER = np.random.default_rng(2).uniform(-0.5, 0.5, 16_000).astype(np.float32)
PADDING = np.zeros(3_200, np.float32)


class Supply:
    """Its own link."""

    def __init__(self) -> None:
        self.blamed: int | None = None

    def begin_early(self) -> "Supply":
        return self

    def request(self, request: Request, *, utterance: int | None) -> bytes:
        self.blamed = utterance
        return PartialReply("").pack()


def blamed(*pieces: Samples, stream: str = "s") -> int | None:
    supply = Supply()
    recognizer = VoskRecognizer(supply, BoundedSemaphore(), "ko", stream_id=stream)  # type: ignore[arg-type]
    for piece in pieces:
        recognizer.accept(piece)
    return supply.blamed


def test_an_utterance_is_the_same_however_it_is_fed() -> None:
    whole = np.concatenate([PADDING, NOISE])
    assert blamed(whole) == blamed(*np.array_split(whole, 7)) == blamed(whole[:9_600])
    assert blamed(whole) is not None


@pytest.mark.parametrize("padding", [PADDING, PADDING[:0]], ids=["after silence", "at once"])
def test_other_audio_is_another_utterance_even_after_the_same_silence(padding: Samples) -> None:
    assert blamed(np.concatenate([padding, NOISE])) != blamed(np.concatenate([padding, OTHER]))


def test_the_same_audio_of_another_stream_is_another_utterance() -> None:
    assert blamed(NOISE, stream="a") != blamed(NOISE, stream="b")


def test_silence_is_no_utterance_to_blame() -> None:
    assert blamed(PADDING) is None
