"""What a worker process does with audio: recognisers that outlive their utterances. Runs in the worker only.

A recogniser builds its decoding graph as it goes and keeps it, so a used one needs less than half of the time of a new
one, on hard audio an eighth. After `FinalResult` it starts from a clean state, but the order in which the graph was
built decides which of two nearly equal paths is pruned: in about one utterance of a hundred its words differ from those
of a new recogniser.

Kaldi dithers the audio with `rand()`. Seeding it before each block makes the same audio give the same words, times and
confidences in every process and at every replay.
"""

import ctypes
import json
from typing import Any

from moderation.asr.recognition import SAMPLE_RATE_HZ
from moderation.asr.vosk.blocks import BLOCK_BYTES
from moderation.asr.vosk.messages import TokenTime


class WarmRecognizer:
    """A Vosk recogniser with its clock: one utterance at a time, one thread."""

    def __init__(self, model: Any) -> None:
        import vosk  # noqa: PLC0415  loads a native library that belongs in the worker process alone

        self._native = vosk.KaldiRecognizer(model, float(SAMPLE_RATE_HZ))
        self._native.SetWords(True)
        self._seed = ctypes.CDLL(None).srand
        self._samples_before = 0
        self._samples = 0
        self._segments: list[dict[str, Any]] = []

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


class RecognizerPool:
    """The open utterances of a process, and the recognisers that wait for the next ones."""

    def __init__(self, model: Any, max_idle: int) -> None:
        self._model = model
        self._max_idle = max_idle
        self._idle: list[WarmRecognizer] = []
        self._open: dict[int, WarmRecognizer] = {}

    def accept(self, utterance: int, pcm: bytes) -> str:
        """Audio of an utterance; the first begins it. Returns the tokens so far."""
        recognizer = self._opened(utterance)
        recognizer.accept(pcm)
        return recognizer.partial()

    def finish(self, utterance: int, pcm: bytes) -> tuple[TokenTime, ...]:
        """The last audio of an utterance. Returns its tokens."""
        recognizer = self._opened(utterance)
        recognizer.accept(pcm)
        tokens = recognizer.finish()
        self._release(utterance)
        return tokens

    def discard(self, utterance: int) -> None:
        """Forget an utterance; one that is not open is forgotten already."""
        if utterance in self._open:
            self._open[utterance].finish()
            self._release(utterance)

    def _opened(self, utterance: int) -> WarmRecognizer:
        if utterance not in self._open:
            self._open[utterance] = self._idle.pop() if self._idle else WarmRecognizer(self._model)
        return self._open[utterance]

    def _release(self, utterance: int) -> None:
        recognizer = self._open.pop(utterance)
        if len(self._idle) < self._max_idle:
            self._idle.append(recognizer)
