"""Scores of what the pipeline made of the clips, against the manifest. Pure functions of data."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from moderation.demo.manifest import Clip
from moderation.demo.words import Difference, differences, normalise
from moderation.events import UNKNOWN_LANGUAGE, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the pipeline made of one clip: its utterances joined, the worst severity, every category detected.

    `language` is the conclusion after the last utterance (`und` when there was none).
    """

    text: str
    language: str
    flagged: bool
    severity: Severity
    categories: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Right, wrong and missed detections."""

    hits: int = 0
    false_alarms: int = 0
    misses: int = 0

    @property
    def precision(self) -> float | None:
        """Share of what was detected that was right; None when nothing was detected."""
        detected = self.hits + self.false_alarms
        return self.hits / detected if detected else None

    @property
    def recall(self) -> float | None:
        """Share of what ought to be detected that was; None when nothing ought to be."""
        wanted = self.hits + self.misses
        return self.hits / wanted if wanted else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipScore:
    """One clip. `missed` and `wrong` are categories; `too_mild`: the flag's severity is below the expected one."""

    clip: Clip
    heard: Heard
    words: int
    differences: tuple[Difference, ...]
    missed: frozenset[str]
    wrong: frozenset[str]
    too_mild: bool

    @property
    def language_right(self) -> bool:
        """Whether the language is the one spoken; a clip in which nobody speaks has none."""
        return self.heard.language == (self.clip.language or UNKNOWN_LANGUAGE)

    @property
    def flagged_right(self) -> bool:
        """Whether it was flagged if and only if it ought to be."""
        return self.heard.flagged == self.clip.expect.flagged

    @property
    def verdict_right(self) -> bool:
        """Whether nothing about the verdict is to be held against it; the words may differ."""
        return self.flagged_right and not (self.missed or self.wrong or self.too_mild)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All clips. `spoken`, `languages_right`, `words` and `word_errors` cover those in which somebody speaks;
    `words_from_noise` the others.
    """

    clips: tuple[ClipScore, ...]
    spoken: int
    languages_right: int
    words: int
    word_errors: int
    words_from_noise: int
    flags: Counts
    categories: Mapping[str, Counts]

    @property
    def word_error_rate(self) -> float | None:
        """Word errors a word said; None when nothing was said."""
        return self.word_errors / self.words if self.words else None


def score_clip(clip: Clip, heard: Heard) -> ClipScore:
    """Compare one clip with what is expected of it."""
    said = normalise(clip.text)
    return ClipScore(
        clip=clip,
        heard=heard,
        words=len(said),
        differences=tuple(differences(said, normalise(heard.text))),
        missed=clip.expect.required - heard.categories,
        wrong=heard.categories - clip.expect.allowed,
        too_mild=clip.expect.flagged and heard.flagged and heard.severity.rank < clip.expect.severity.rank,
    )


def evaluate(pairs: Sequence[tuple[Clip, Heard]]) -> Evaluation:
    """Score clips. A category in `also` counts as right when found, and not at all when not."""
    scores = tuple(score_clip(clip, heard) for clip, heard in pairs)
    spoken = [score for score in scores if score.clip.text]
    return Evaluation(
        clips=scores,
        spoken=len(spoken),
        languages_right=sum(score.language_right for score in spoken),
        words=sum(score.words for score in spoken),
        word_errors=sum(len(score.differences) for score in spoken),
        words_from_noise=sum(len(score.differences) for score in scores if not score.clip.text),
        flags=_count_flags(scores),
        categories=_count_categories(scores),
    )


def _count_flags(scores: Sequence[ClipScore]) -> Counts:
    outcomes = Counter((score.clip.expect.flagged, score.heard.flagged) for score in scores)
    return Counts(hits=outcomes[True, True], false_alarms=outcomes[False, True], misses=outcomes[True, False])


def _count_categories(scores: Sequence[ClipScore]) -> dict[str, Counts]:
    hits, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    for score in scores:
        hits.update(score.heard.categories & score.clip.expect.allowed)
        wrong.update(score.wrong)
        missed.update(score.missed)
    return {
        category: Counts(hits=hits[category], false_alarms=wrong[category], misses=missed[category])
        for category in sorted({*hits, *wrong, *missed})
    }
