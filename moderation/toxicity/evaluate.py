"""Measure a classifier: `python -m moderation.toxicity.evaluate --data DIR [--json FILE] [--page FILE]`.

Judges the verdicts of the default thresholds on kinds of utterances that were built to tell abuse from what looks like
it, before and after speech recognition, group by group; ranking and calibration per test set; false alarms on benign
talk; latency. Recommends thresholds by their rate of false alarms. Nothing that is measured with was trained on.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from moderation.errors import ConfigurationError
from moderation.settings import ToxicitySettings
from moderation.toxicity.classifier import ToxicityClassifier
from moderation.toxicity.compact import compact_folder
from moderation.toxicity.contrast import HELD_OUT_FILLS, HELD_OUT_SEED, Utterance, load_contrast
from moderation.toxicity.evaluation.calibration import expected_calibration_error
from moderation.toxicity.evaluation.functional import by_group, by_kind
from moderation.toxicity.evaluation.identity_templates import identity_alarms
from moderation.toxicity.evaluation.ranking import known, ranking
from moderation.toxicity.evaluation.report import table
from moderation.toxicity.evaluation.thresholds import GAME, HARD, recommended_thresholds
from moderation.toxicity.evaluation.verdicts import ABUSE, Scores, agreed, is_flagged, should_be_flagged
from moderation.toxicity.factory import open_classifier
from moderation.toxicity.manifest import ARITHMETICS
from moderation.toxicity.training.corpora import switchboard
from moderation.toxicity.training.test_sets import game_turns, identity_phrases, test_sets

SEED = 7
GAME_SAMPLE = 6000


def measure(classifier: ToxicityClassifier, data: Path, thresholds: Mapping[str, float]) -> dict[str, Any]:
    """Everything that is measured, as plain values; the same for the same model, data and thresholds."""
    contrast = load_contrast()
    utterances = list(contrast.held_out(HELD_OUT_FILLS, HELD_OUT_SEED))
    heard = classifier.score([utterance.text for utterance in utterances])
    of_every_group = list(contrast.held_out_of_every_group(HELD_OUT_SEED))
    rng = random.Random(SEED)  # noqa: S311  reproducible, not secret
    benign = {
        "switchboard_held_out": classifier.score(switchboard(data, held_out=True)),
        GAME: classifier.score(rng.sample(game_turns(data), GAME_SAMPLE)),
        HARD: [s for each, s in zip(utterances, heard, strict=True) if should_be_flagged(each.targets) is False],
    }
    sets, toxicity = _sets(classifier, data)
    return {
        "model": classifier.source,
        "thresholds": dict(thresholds),
        "sets": sets,
        "ece_of_toxicity": round(_pooled_error(toxicity, utterances, heard), 4),
        "kinds": by_kind(utterances, heard, thresholds),
        "groups": by_group(
            of_every_group, classifier.score([utterance.text for utterance in of_every_group]), thresholds
        ),
        "identity_templates": identity_alarms(classifier, identity_phrases(data), rng, thresholds),
        "false_alarms": {name: _alarms(scores, thresholds) for name, scores in benign.items()},
        "recommended_thresholds": recommended_thresholds(benign, classifier.labels),
        "latency_ms": latency_ms(classifier, switchboard(data, held_out=True)),
    }


def _sets(
    classifier: ToxicityClassifier, data: Path
) -> tuple[dict[str, dict[str, dict[str, Any]]], tuple[list[float], list[bool]]]:
    """Every test set's figures, and the scores and truths of toxicity of all of them."""
    figures, values, truths = {}, [], []
    for each in test_sets(data):
        scores = classifier.score(each.texts)
        figures[each.name] = ranking(each, scores, classifier.labels)
        for label, of_task in each.tasks.values():
            if label == "toxicity":
                some_values, some_truths = known(label, of_task, scores)
                values += some_values
                truths += some_truths
    return figures, (values, truths)


def _pooled_error(
    toxicity: tuple[list[float], list[bool]], utterances: Sequence[Utterance], scores: Sequence[Scores]
) -> float:
    """Expected calibration error of toxicity over all texts that have a truth of it, templates included."""
    of_templates = known("toxicity", [agreed(each.targets.get("toxicity", 0.0)) for each in utterances], scores)
    return expected_calibration_error(toxicity[0] + of_templates[0], toxicity[1] + of_templates[1])


def latency_ms(classifier: ToxicityClassifier, texts: Sequence[str]) -> dict[str, float]:
    """p50 and p95 of scoring one utterance of 10 to 14 words, alone."""
    chosen = [text for text in texts if 10 <= len(text.split()) <= 14][:200]
    classifier.score(chosen[:5])
    taken = []
    for text in chosen:
        started = time.perf_counter()
        classifier.score([text])
        taken.append((time.perf_counter() - started) * 1000)
    taken.sort()
    return {"p50": round(taken[len(taken) // 2], 2), "p95": round(taken[int(len(taken) * 0.95)], 2)}


def _alarms(scores: Sequence[Scores], thresholds: Mapping[str, float]) -> dict[str, Any]:
    """How many texts, the share flagged, and the share that each label alone would flag."""

    def share(flags: Sequence[bool]) -> float:
        return round(sum(flags) / len(flags), 4)

    by_label = {
        label: share([is_flagged(row, {label: thresholds[label]}) for row in scores])
        for label in ABUSE
        if label in thresholds
    }
    return {"texts": len(scores), "flagged": share([is_flagged(row, thresholds) for row in scores]), **by_label}


def read_thresholds(path: Path) -> dict[str, float]:
    """label -> the default threshold of a file such as compact_en/thresholds.json.

    Raises:
        ConfigurationError: the file is missing, or is no such file.
    """
    try:
        return {label: float(value) for label, value in json.loads(path.read_text(encoding="utf-8"))["default"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{path} holds no thresholds ({type(error).__name__}): it must be JSON with label and threshold under "
            '"default", as compact_en/thresholds.json has it'
        ) from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the evaluation; returns the exit code."""
    options = _parser().parse_args(arguments)
    settings = ToxicitySettings(model=options.model, backend=options.backend, arithmetic=options.arithmetic)
    try:
        thresholds = read_thresholds(options.thresholds or compact_folder() / "thresholds.json")
        result = measure(open_classifier(settings, options.folder), options.data, thresholds)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(table(result) + "\n")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m moderation.toxicity.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds train/ and test/")
    parser.add_argument("--model", default="compact-en", help="model name, as MODERATION_TOXICITY__MODEL")
    parser.add_argument("--folder", type=Path, help="folder of the model (default: the shipped one)")
    parser.add_argument("--backend", choices=("onnx", "detoxify"), default="onnx")
    parser.add_argument("--arithmetic", choices=ARITHMETICS, default="int8", help="of the onnx back-end")
    parser.add_argument("--thresholds", type=Path, help="judge by these thresholds (default: the shipped model's)")
    parser.add_argument("--json", type=Path, help="file to write all figures to")
    return parser


if __name__ == "__main__":
    sys.exit(main())
