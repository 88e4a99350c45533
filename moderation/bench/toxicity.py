"""Our toxicity path against Detoxify itself with the same checkpoint, and all text stages, on what the clips say."""

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from moderation.bench.cpu import Timing, Way, take_turns
from moderation.bootstrap import build_text_stages
from moderation.events import LanguageGuess, Word
from moderation.judging import HeardText
from moderation.settings import Settings, ToxicitySettings
from moderation.toxicity.classifier import ToxicityClassifier
from moderation.toxicity.compact import compact_folder, rebuild_checkpoint
from moderation.toxicity.factory import open_classifier

OURS = "ours, one by one"
OURS_BATCHED = "ours, in batches"
OURS_FLOAT32 = "ours in float32, one by one"
DETOXIFY = "Detoxify.predict, one by one"
DETOXIFY_BATCHED = "Detoxify.predict, in batches"
BATCH = 16

_REPEATS = 3
"""How often the texts are scored in a run, so that it lasts for seconds."""

_WORD_MS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Processor time of one text, alone, over the texts, ms."""

    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What was measured over some texts."""

    texts: int
    timings: Mapping[str, Timing]
    scoring: Spread
    """Of the toxicity model."""
    stages: Spread
    """Of all text stages: toxicity, word lists, personal data, policy, masking."""
    largest_difference: float
    """Between our score of a text and Detoxify's."""

    def per_text_ms(self, name: str) -> float:
        """Processor time a text, ms."""
        return self.timings[name].median_s * 1000 / (self.texts * _REPEATS)


def measure(texts: Sequence[str], settings: Settings, *, runs: int, on_run: Callable[[str], None]) -> Scored:
    """Score the texts each way in turn, on one thread; then judge them as `settings` say."""
    ours = open_classifier(ToxicitySettings())
    float32 = open_classifier(ToxicitySettings(arithmetic="float32"))
    detoxify = _detoxify()
    batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    ways: Mapping[str, Callable[[], object]] = {
        OURS: lambda: [ours.score([text]) for text in texts],
        OURS_BATCHED: lambda: [ours.score(batch) for batch in batches],
        OURS_FLOAT32: lambda: [float32.score([text]) for text in texts],
        DETOXIFY: lambda: [detoxify.predict(text) for text in texts],
        DETOXIFY_BATCHED: lambda: [detoxify.predict(list(batch)) for batch in batches],
    }
    timings = take_turns(
        [Way(name=name, run=_repeated(way)) for name, way in ways.items()],
        runs=runs,
        on_run=lambda told: on_run(f"toxicity: {told}"),
    )
    on_run("toxicity: each text alone, through the model and through all text stages")
    judge = build_text_stages(settings).judge
    return Scored(
        texts=len(texts),
        timings=timings,
        scoring=_spread([partial(ours.score, [text]) for text in texts]),
        stages=_spread([partial(judge.judge, heard(text)) for text in texts]),
        largest_difference=max(_difference(ours, detoxify, text) for text in texts),
    )


def heard(text: str) -> HeardText:
    """A text as a recogniser hands it over: with words, in English."""
    words = tuple(
        Word(text=word, start_ms=at * _WORD_MS, end_ms=(at + 1) * _WORD_MS, confidence=0.9)
        for at, word in enumerate(text.split())
    )
    return HeardText(
        text=" ".join(word.text for word in words),
        words=words,
        language=LanguageGuess(language="en", confidence=1.0),
    )


def _detoxify() -> Any:
    import torch  # noqa: PLC0415  heavy, and only this benchmark needs it
    from detoxify import Detoxify  # noqa: PLC0415

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="moderation-bench-") as scratch:
        loaded = Detoxify(checkpoint=str(rebuild_checkpoint(compact_folder(), Path(scratch))))
    loaded.model.eval()
    return loaded


def _repeated(way: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        for _ in range(_REPEATS):
            way()

    return run


def _spread(works: Sequence[Callable[[], object]]) -> Spread:
    """Each piece of work once without counting, then the median of some times."""
    for work in works:
        work()
    taken_ms = sorted(statistics.median(_cpu_ms(work) for _ in range(_REPEATS)) for work in works)
    return Spread(p50_ms=statistics.median(taken_ms), p95_ms=taken_ms[int(len(taken_ms) * 0.95)])


def _cpu_ms(work: Callable[[], object]) -> float:
    before_ns = time.process_time_ns()
    work()
    return (time.process_time_ns() - before_ns) / 1e6


def _difference(ours: ToxicityClassifier, detoxify: Any, text: str) -> float:
    expected = detoxify.predict(text)
    return max(abs(score - float(expected[label])) for label, score in ours.score([text])[0].items())
