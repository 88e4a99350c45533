"""Our Vosk path against the bare recogniser in a loop, with the same model: processor time and character error rate."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from moderation.asr.vosk.blocks import BLOCK_BYTES, BLOCK_SAMPLES, pcm16
from moderation.asr.vosk.engine import VoskEngine
from moderation.asr.vosk.tokens import spoken_form
from moderation.audio.utterance import SAMPLE_RATE_HZ
from moderation.bench.clips import Clip
from moderation.bench.hearing import Group, Hear, hear_in_turn
from moderation.settings import AsrSettings

OURS = "ours, a process an utterance"
BARE = "bare recogniser, one for all"
BARE_NEW = "bare recogniser, a new one each"


def measure(
    model: Path,
    language: str,
    clips: Sequence[Clip],
    settings: AsrSettings,
    *,
    runs: int,
    on_run: Callable[[str], None],
) -> Group | None:
    """Hear the clips of a language in blocks of 200 ms, partials asked for, each way in turn; None without clips."""
    spoken = [clip for clip in clips if clip.language == language and clip.text]
    if not spoken:
        return None
    engine = VoskEngine(model, name="vosk", version="", languages=frozenset({language}), settings=settings)
    try:
        bare = _Bare(model)
        one = bare.recognizer()
        ways: Mapping[str, Hear] = {
            OURS: lambda clips: [_ours(engine, clip) for clip in clips],
            BARE: lambda clips: [bare.text(one, clip) for clip in clips],
            BARE_NEW: lambda clips: [bare.text(bare.recognizer(), clip) for clip in clips],
        }
        return hear_in_turn("vosk", spoken, ways, spell=characters, runs=runs, on_run=on_run)
    finally:
        engine.close()


def _ours(engine: VoskEngine, clip: Clip) -> str:
    recognizer = engine.recognizer(stream_id=clip.clip_id, language=clip.language)
    for start in range(0, len(clip.samples), BLOCK_SAMPLES):
        recognizer.accept(clip.samples[start : start + BLOCK_SAMPLES])
    return recognizer.finish().text


class _Bare:
    """vosk as its examples show it."""

    def __init__(self, model: Path) -> None:
        import vosk  # noqa: PLC0415  a native library that the rest of this process can do without

        vosk.SetLogLevel(-1)
        self._vosk = vosk
        self._model = vosk.Model(str(model))

    def recognizer(self) -> Any:
        """A new one."""
        recognizer = self._vosk.KaldiRecognizer(self._model, SAMPLE_RATE_HZ)
        recognizer.SetWords(True)
        return recognizer

    def text(self, recognizer: Any, clip: Clip) -> str:
        pcm = pcm16(clip.samples)
        parts = []
        for start in range(0, len(pcm), BLOCK_BYTES):
            if recognizer.AcceptWaveform(pcm[start : start + BLOCK_BYTES]):
                parts.append(json.loads(recognizer.Result())["text"])
            else:
                recognizer.PartialResult()
        parts.append(json.loads(recognizer.FinalResult())["text"])
        return " ".join(form for token in " ".join(parts).split() if (form := spoken_form(token)))


def characters(text: str) -> list[str]:
    """Letters and digits only: Korean spaces are a matter of taste."""
    return re.findall(r"[^\W_]", text.lower())
