"""Our toxicity path against Detoxify itself with the same checkpoint, on the texts of the clips."""

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from moderation.bench.cpu import Timing, Way, take_turns
from moderation.settings import ToxicitySettings
from moderation.toxicity.classifier import ToxicityClassifier
from moderation.toxicity.compact import compact_folder, rebuild_checkpoint
from moderation.toxicity.factory import open_classifier

OURS = "ours, one by one"
OURS_BATCHED = "ours, in batches"
DETOXIFY = "Detoxify.predict, one by one"
DETOXIFY_BATCHED = "Detoxify.predict, in batches"
BATCH = 16

_REPEATS = 3
"""How often the texts are scored in a run, so that it lasts for seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What was measured over some texts."""

    texts: int
    timings: Mapping[str, Timing]
    p50_ms: float
    p95_ms: float
    """Processor time of one text, scored alone, ms."""
    largest_difference: float
    """Between our score of a text and Detoxify's."""

    def per_text_ms(self, name: str) -> float:
        """Processor time a text, ms."""
        return self.timings[name].median_s * 1000 / (self.texts * _REPEATS)


def measure(texts: Sequence[str], *, runs: int, on_run: Callable[[str], None]) -> Scored:
    """Score the texts each way in turn, on one thread."""
    ours = open_classifier(ToxicitySettings())
    detoxify = _detoxify()
    batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    ways: Mapping[str, Callable[[], object]] = {
        OURS: lambda: [ours.score([text]) for text in texts],
        OURS_BATCHED: lambda: [ours.score(batch) for batch in batches],
        DETOXIFY: lambda: [detoxify.predict(text) for text in texts],
        DETOXIFY_BATCHED: lambda: [detoxify.predict(list(batch)) for batch in batches],
    }
    timings = take_turns(
        [Way(name=name, run=_repeated(way)) for name, way in ways.items()],
        runs=runs,
        on_run=lambda told: on_run(f"toxicity: {told}"),
    )
    taken_ms = sorted(_cpu_ms(partial(ours.score, [text])) for text in texts)
    return Scored(
        texts=len(texts),
        timings=timings,
        p50_ms=statistics.median(taken_ms),
        p95_ms=taken_ms[int(len(taken_ms) * 0.95)],
        largest_difference=max(_difference(ours, detoxify, text) for text in texts),
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


def _cpu_ms(work: Callable[[], object]) -> float:
    before_ns = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - before_ns) / 1e6


def _difference(ours: ToxicityClassifier, detoxify: Any, text: str) -> float:
    expected = detoxify.predict(text)
    return max(abs(score - float(expected[label])) for label, score in ours.score([text])[0].items())
