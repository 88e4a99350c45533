"""What the processes of the engine do with audio. Runs in the model server and in its workers only.

A recogniser builds its decoding graph as it goes, and on what it has heard depends which of two nearly equal paths is
pruned: in about one utterance of a hundred a used recogniser tells other words than a new one, while a new one takes
two to eight times the processor time. So the model server warms one recogniser up, with the same speech in every
process of every machine, and each utterance is heard by a copy of exactly that one: a fork.

Kaldi dithers the audio with `rand()`. Seeding it before each block makes the same audio give the same words, times and
confidences in every process and at every replay.
"""

import ctypes
import json
import wave
from pathlib import Path
from typing import Any

from moderation.asr.recognition import SAMPLE_RATE_HZ
from moderation.asr.vosk.blocks import BLOCK_BYTES
from moderation.asr.vosk.messages import TokenTime

WARM_UP = Path(__file__).with_name("warm_up.wav")
"""LJ Speech 1.1, LJ001-0001 (public domain), 16-bit mono at 16 kHz. English serves every model: what is built are the
paths that any speech takes. Measured on Korean: 0.24 s of CPU a second without, 0.13 with, 0.12 with as much Korean."""


class WarmRecognizer:
    """A Vosk recogniser with its clock: one utterance at a time, one thread."""

    def __init__(self, model: Any) -> None:
        import vosk  # noqa: PLC0415  loads a native library that belongs in these processes alone

        self._native = vosk.KaldiRecognizer(model, float(SAMPLE_RATE_HZ))
        self._native.SetWords(True)
        self._seed = ctypes.CDLL(None).srand
        self._samples_before = 0
        self._samples = 0
        self._segments: list[dict[str, Any]] = []

    def warm_up(self) -> None:
        """Hear the speech that every recogniser has heard."""
        with wave.open(str(WARM_UP)) as file:
            self.accept(file.readframes(file.getnframes()))
        self.finish()

    def accept(self, pcm: bytes) -> None:
        """Take audio; whole blocks, save for the last one of an utterance."""
        for start in range(0, len(pcm), BLOCK_BYTES):
            block = pcm[start : start + BLOCK_BYTES]
            self._seed(self._samples + 1)
            if self._native.AcceptWaveform(block):
                self._segments.append(json.loads(self._native.Result()))
            self._samples += len(block) // 2

    def partial(self) -> str:
        """The tokens so far."""
        # Before the first frame is decoded, and right after a segment, the answer has no "partial".
        current = json.loads(self._native.PartialResult()).get("partial", "")
        return " ".join([*(segment["text"] for segment in self._segments), current]).strip()

    def finish(self) -> tuple[TokenTime, ...]:
        """End the utterance: its tokens, timed from its first sample. The next one may begin."""
        self._seed(self._samples + 1)
        segments = [*self._segments, json.loads(self._native.FinalResult())]
        before_s = self._samples_before / SAMPLE_RATE_HZ
        self._samples_before += self._samples
        self._samples = 0
        self._segments = []
        return tuple(
            TokenTime(word["word"], word["start"] - before_s, word["end"] - before_s, word["conf"])
            for segment in segments
            for word in segment.get("result", ())
        )
