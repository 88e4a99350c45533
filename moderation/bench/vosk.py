"""Our Vosk path against the bare recogniser in a loop, with the same model: processor time and character error rate."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moderation.asr.vosk.blocks import BLOCK_BYTES
from moderation.asr.vosk.engine import VoskEngine
from moderation.asr.vosk.tokens import spoken_form
from moderation.audio.utterance import SAMPLE_RATE_HZ
from moderation.bench.clips import Clip
from moderation.bench.cpu import Timing, Way, take_turns
from moderation.demo.words import differences
from moderation.settings import AsrSettings

OURS = "ours, a process an utterance"
BARE = "bare recogniser, one for all"
BARE_NEW = "bare recogniser, a new one each"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one way made of the clips."""

    timing: Timing
    character_error_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """What every way made of the clips."""

    clips: int
    audio_s: float
    heard: dict[str, Heard]


def measure(
    model: Path,
    language: str,
    clips: Sequence[Clip],
    settings: AsrSettings,
    *,
    runs: int,
    on_run: Callable[[str], None],
) -> Recognised | None:
    """Hear the clips of a language in blocks of 200 ms, partials asked for, each way in turn; None without clips."""
    spoken = [clip for clip in clips if clip.language == language and clip.text]
    if not spoken:
        return None
    engine = VoskEngine(model, name="vosk", version="", languages=frozenset({language}), settings=settings)
    try:
        bare = _Bare(model)
        one = bare.recognizer()
        texts: dict[str, list[str]] = {}

        def way(name: str, listen: Callable[[Clip], str]) -> Way:
            def run() -> None:
                texts[name] = [listen(clip) for clip in spoken]

            return Way(name=name, run=run)

        timings = take_turns(
            [
                way(OURS, lambda clip: _ours(engine, clip)),
                way(BARE, lambda clip: bare.text(one, clip)),
                way(BARE_NEW, lambda clip: bare.text(bare.recognizer(), clip)),
            ],
            runs=runs,
            on_run=lambda told: on_run(f"vosk: {told}"),
        )
    finally:
        engine.close()
    return Recognised(
        clips=len(spoken),
        audio_s=sum(clip.duration_s for clip in spoken),
        heard={name: Heard(timing=timings[name], character_error_rate=_errors(spoken, texts[name])) for name in texts},
    )


def _ours(engine: VoskEngine, clip: Clip) -> str:
    recognizer = engine.recognizer(stream_id=clip.clip_id, language=clip.language)
    block = BLOCK_BYTES // 2
    for start in range(0, len(clip.samples), block):
        recognizer.accept(clip.samples[start : start + block])
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
        pcm = (clip.samples.clip(-1, 1) * 32767).astype("<i2").tobytes()
        parts = []
        for start in range(0, len(pcm), BLOCK_BYTES):
            if recognizer.AcceptWaveform(pcm[start : start + BLOCK_BYTES]):
                parts.append(json.loads(recognizer.Result())["text"])
            else:
                recognizer.PartialResult()
        parts.append(json.loads(recognizer.FinalResult())["text"])
        return " ".join(form for token in " ".join(parts).split() if (form := spoken_form(token)))


def _errors(clips: Sequence[Clip], texts: Sequence[str]) -> float:
    wrong = said = 0
    for clip, text in zip(clips, texts, strict=True):
        expected = _characters(clip.text or "")
        wrong += len(differences(expected, _characters(text)))
        said += len(expected)
    return wrong / said


def _characters(text: str) -> list[str]:
    """Letters and digits only: Korean spaces are a matter of taste."""
    return re.findall(r"[^\W_]", text.lower())
