"""Ways of hearing the same clips: each in turn, and what it made of them beside what was said.

Which words of a doubtful clip are right is chance: stock faster-whisper samples where it is unsure, and any recogniser
hears other words when a clip begins a few milliseconds later. So every run is judged, and each hears the clips a little
later than the one before, the first as they are; all ways hear the same.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from moderation.audio.utterance import SAMPLE_RATE_HZ
from moderation.bench.clips import Clip
from moderation.bench.cpu import Timing, Way, take_turns
from moderation.demo.words import differences

Hear = Callable[[Sequence[Clip]], Sequence[str]]
"""The text of each clip."""

Spell = Callable[[str], Sequence[str]]
"""What of a text is compared: its words, or its characters."""


LATER_MS = 37
"""How much later each run hears the clips: not a multiple of the recognisers' frames, 10 ms each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one way made of a group of clips, over all runs."""

    timing: Timing
    errors: int
    said: int
    """Words, or characters, that were said, each run counted."""
    clips_with_text: float
    """Of those in which nothing is said: how many gave text all the same, in a run."""
    characters: float
    """Of those in which nothing is said: how much text they gave, in a run."""

    @property
    def error_rate(self) -> float | None:
        """Errors per word, or character, said; None where nothing is said."""
        return self.errors / self.said if self.said else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Clips that are measured together, and what each way made of them."""

    name: str
    clips: int
    audio_s: float
    heard: Mapping[str, Heard]


def hear_in_turn(
    name: str,
    clips: Sequence[Clip],
    ways: Mapping[str, Hear],
    *,
    spell: Spell,
    runs: int,
    on_run: Callable[[str], None],
) -> Group:
    """Hear the clips each way in turn, once to warm up and then `runs` times."""
    texts: dict[str, list[Sequence[str]]] = defaultdict(list)
    to_hear = [clips, *(later(clips, run * LATER_MS) for run in range(runs))]

    def way(name: str, hear: Hear) -> Way:
        def run() -> None:
            texts[name].append(hear(to_hear[len(texts[name])]))

        return Way(name=name, run=run)

    timings = take_turns(
        [way(*named) for named in ways.items()], runs=runs, on_run=lambda told: on_run(f"{name}: {told}")
    )
    return Group(
        name=name,
        clips=len(clips),
        audio_s=sum(clip.duration_s for clip in clips),
        heard={way: judge(timings[way], clips, texts[way][1:], spell) for way in ways},
    )


def later(clips: Sequence[Clip], by_ms: int) -> list[Clip]:
    """The clips with so much silence before them."""
    silence = np.zeros(by_ms * SAMPLE_RATE_HZ // 1000, dtype=np.float32)
    return [replace(clip, samples=np.concatenate((silence, clip.samples))) for clip in clips]


def judge(timing: Timing, clips: Sequence[Clip], runs: Sequence[Sequence[str]], spell: Spell) -> Heard:
    """Count what is wrong in the texts of the clips, of one run or several."""
    heard = [pair for texts in runs for pair in zip(clips, texts, strict=True)]
    said = [(spell(clip.text), spell(text)) for clip, text in heard if clip.text]
    unsaid = [text for clip, text in heard if not clip.text]
    return Heard(
        timing=timing,
        errors=sum(len(differences(expected, text)) for expected, text in said),
        said=sum(len(expected) for expected, _ in said),
        clips_with_text=sum(bool(text) for text in unsaid) / len(runs),
        characters=sum(map(len, unsaid)) / len(runs),
    )
