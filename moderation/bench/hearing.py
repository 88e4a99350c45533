"""Ways of hearing the same clips: each in turn, and what it made of them beside what was said."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from moderation.bench.clips import Clip
from moderation.bench.cpu import Timing, Way, take_turns
from moderation.demo.words import differences

Hear = Callable[[Sequence[Clip]], Sequence[str]]
"""The text of each clip."""

Spell = Callable[[str], Sequence[str]]
"""What of a text is compared: its words, or its characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one way made of a group of clips."""

    timing: Timing
    errors: int
    said: int
    """Words, or characters, that were said."""
    clips_with_text: int
    """Of those in which nothing is said: how many gave text all the same."""
    characters: int
    """Of those in which nothing is said: how much text they gave."""

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
    """Hear the clips each way in turn; the texts of the last run are judged."""
    texts: dict[str, Sequence[str]] = {}

    def way(name: str, hear: Hear) -> Way:
        def run() -> None:
            texts[name] = hear(clips)

        return Way(name=name, run=run)

    timings = take_turns(
        [way(*named) for named in ways.items()], runs=runs, on_run=lambda told: on_run(f"{name}: {told}")
    )
    return Group(
        name=name,
        clips=len(clips),
        audio_s=sum(clip.duration_s for clip in clips),
        heard={way: judge(timings[way], clips, texts[way], spell) for way in ways},
    )


def judge(timing: Timing, clips: Sequence[Clip], texts: Sequence[str], spell: Spell) -> Heard:
    """Count what is wrong in the texts of the clips."""
    said = [(spell(clip.text), spell(text)) for clip, text in zip(clips, texts, strict=True) if clip.text]
    unsaid = [text for clip, text in zip(clips, texts, strict=True) if not clip.text]
    return Heard(
        timing=timing,
        errors=sum(len(differences(expected, heard)) for expected, heard in said),
        said=sum(len(expected) for expected, _ in said),
        clips_with_text=sum(bool(text) for text in unsaid),
        characters=sum(map(len, unsaid)),
    )
